// bullmq with 100 jobs at once, put in line in bulk; finished jobs are removed. Roles as in frame.py.
import { Queue, Worker } from 'bullmq';
import readline from 'node:readline';

const [url, count, , role = ''] = process.argv.slice(2);
const jobs = Number(count);
const at = new URL(url);
const connection = {
  host: at.hostname, port: Number(at.port), password: at.password || undefined, maxRetriesPerRequest: null,
};
const now = () => Number(process.hrtime.bigint()) / 1e6; // ms on the clock that all processes share
const payload = () => `${now()} `.padEnd(581, 'p');
const tell = (figures) => process.stdout.write(JSON.stringify(figures) + '\n');
const pause = (ms) => new Promise((over) => setTimeout(over, ms));

async function enqueue() {
  const queue = new Queue('bench', { connection });
  const began = now();
  const size = role === 'send' ? 1 : 500;
  for (let first = 0; first < jobs; first += size) {
    if (role === 'send') await pause(20 + 30 * Math.random());
    const few = Math.min(size, jobs - first);
    await queue.addBulk(Array.from({ length: few }, () => ({
      name: 'noop', data: { payload: payload() }, opts: { removeOnComplete: true },
    })));
  }
  tell({ enqueue_s: (now() - began) / 1000 });
}

async function work() {
  const word = readline.createInterface({ input: process.stdin });
  await new Promise((heard) => word.once('line', heard));
  let [left, done, began, cpu] = [jobs, 0, 0, process.cpuUsage()];
  const late = [];
  const worker = new Worker('bench', async (job) => {
    if (role === 'work') late.push(now() - Number.parseFloat(job.data.payload));
    if (left === jobs) { began = now(); cpu = process.cpuUsage(); }
    left -= 1;
  }, { connection, concurrency: 100 });
  worker.on('completed', () => {
    done += 1;
    if (done < jobs) return;
    const used = process.cpuUsage(cpu);
    tell(role === 'work' ? { late_ms: late }
      : { run_s: (now() - began) / 1000, cpu_s: (used.user + used.system) / 1e6, jobs });
    process.exit(0);
  });
}

if (role !== 'work') await enqueue();
if (role === 'send') process.exit(0);
await work();
