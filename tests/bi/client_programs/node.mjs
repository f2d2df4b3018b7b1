// Answers the questions of python.py through @duckdb/node-api: node.mjs FILE. An instance is a connection.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { DuckDBInstance } from '@duckdb/node-api';

const SCORES =
  'select version, month, department, nps, nps_lower, nps_upper, nps_n ' +
  "from meta.publication cross join kpi.kpi_loyalty_monthly where level = 'month_department' and nps is not null " +
  'order by month, department';
const COMMENTS = "select count(comment)::integer from duckdb_columns() where table_name = 'kpi_loyalty_monthly'";
const [path] = process.argv.slice(2);

async function connect() {
  const instance = await DuckDBInstance.create(path, { access_mode: 'READ_ONLY' });
  return { instance, connection: await instance.connect() };
}

async function answer({ connection }) {
  const rows = (await connection.runAndReadAll(SCORES)).getRowsJson();
  const [[comments]] = (await connection.runAndReadAll(COMMENTS)).getRowsJson();
  return { rows, comments };
}

function close({ instance, connection }) {
  connection.closeSync();
  instance.closeSync();
}

function say(what) {
  process.stdout.write(JSON.stringify(what) + '\n');
}

const { version } = JSON.parse(readFileSync('node_modules/@duckdb/node-api/package.json', 'utf8'));
let first = await connect();
let beside;
say({ client: `node ${process.versions.node}, @duckdb/node-api ${version}` });
for await (const line of createInterface({ input: process.stdin })) {
  let asked = first;
  if (line.trim() === 'beside') {
    asked = beside = await connect();
  } else if (line.trim() === 'again') {
    close(beside);
    close(first);
    asked = first = await connect();
  }
  say(await answer(asked));
}
