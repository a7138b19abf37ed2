// bullmq with 100 jobs at once, put in line in bulk; finished jobs are removed.
import { Queue, Worker } from 'bullmq';
import readline from 'node:readline';

const [url, count] = process.argv.slice(2);
const jobs = Number(count);
const at = new URL(url);
const connection = {
  host: at.hostname, port: Number(at.port), password: at.password || undefined, maxRetriesPerRequest: null,
};
const payload = 'p'.repeat(581);
const tell = (figures) => process.stdout.write(JSON.stringify(figures) + '\n');

const queue = new Queue('bench', { connection });
let began = performance.now();
for (let first = 0; first < jobs; first += 500) {
  const few = Math.min(500, jobs - first);
  await queue.addBulk(Array.from({ length: few }, () => ({
    name: 'noop', data: { payload }, opts: { removeOnComplete: true },
  })));
}
tell({ enqueue_s: (performance.now() - began) / 1000 });

const word = readline.createInterface({ input: process.stdin });
await new Promise((heard) => word.once('line', heard));
let left = jobs;
let cpu = process.cpuUsage();
const worker = new Worker('bench', async () => {
  if (left === jobs) { began = performance.now(); cpu = process.cpuUsage(); }
  left -= 1;
}, { connection, concurrency: 100 });
worker.on('completed', (() => {
  let done = 0;
  return () => {
    done += 1;
    if (done < jobs) return;
    const used = process.cpuUsage(cpu);
    tell({ run_s: (performance.now() - began) / 1000, cpu_s: (used.user + used.system) / 1e6, jobs });
    process.exit(0);
  };
})());
