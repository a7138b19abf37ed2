// node mermaid.mjs FILE: the real Mermaid parses a diagram; prints what it understood, as JSON.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.cwd()}/`);
const { JSDOM } = require("jsdom");
const dom = new JSDOM("<!doctype html><body></body>");
globalThis.window = dom.window;
globalThis.document = dom.window.document;
const entry = require.resolve("mermaid").replace(/[^/]+$/, "mermaid.core.mjs");
const { default: mermaid } = await import(pathToFileURL(entry).href);
const text = readFileSync(process.argv[2], "utf8");
const { diagramType } = await mermaid.parse(text);
const diagram = await mermaid.mermaidAPI.getDiagramFromText(text);
const { nodes, edges } = diagram.db.getData();
const moves = edges.map((edge) => [edge.start, edge.end, edge.label]);
const { version } = require("mermaid/package.json");
process.stdout.write(JSON.stringify({ version, diagramType, nodes: nodes.map((node) => node.id), moves }));
