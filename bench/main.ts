// npm run bench [-- NAME...] [--rounds N] [--json FILE] [--simjs FOLDER]: the project's performance, as ratios against
// named references that are measured in the same run.
import {writeFileSync} from 'node:fs';
import {parseArgs} from 'node:util';
import type {Benchmark, Findings} from './benchmark.ts';
import {costLookUps} from './costLookUps.ts';
import {day} from './day.ts';
import {engine} from './engine.ts';
import {eventList} from './eventList.ts';
import {describeMachine} from './machine.ts';
import {references} from './references.ts';
import {sweepScaling} from './sweep.ts';
import {formatTable} from './table.ts';

const benchmarks: readonly Benchmark[] = [engine, references, costLookUps, eventList, sweepScaling, day];

const {values, positionals} = parseArgs({
  allowPositionals: true,
  options: {
    rounds: {type: 'string', default: '5'},
    json: {type: 'string'},
    simjs: {type: 'string', default: 'simjs'},
    help: {type: 'boolean', default: false},
  },
});

const known = benchmarks.map(({name, summary}) => `  ${name.padEnd(12)} ${summary}`).join('\n');
const unknown = positionals.find((name) => benchmarks.every((benchmark) => benchmark.name !== name));
const rounds = Number(values.rounds);
if (values.help || unknown !== undefined || !(Number.isSafeInteger(rounds) && rounds >= 1)) {
  if (unknown !== undefined) console.error(`unknown benchmark: ${unknown}`);
  else if (!values.help) console.error(`invalid rounds: ${values.rounds} (expected a whole number above 0)`);
  console.log(`usage: npm run bench -- [NAME...] [--rounds N] [--json FILE] [--simjs FOLDER]\n\n${known}`);
  process.exit(values.help ? 0 : 2);
}

const machine = describeMachine();
console.log(
  Object.entries(machine)
    .map(([key, value]) => `${key}: ${value ?? 'none'}`)
    .join(', '),
);
const chosen =
  positionals.length === 0 ? benchmarks : benchmarks.filter(({name}) => positionals.includes(name));
const findings: Record<string, Findings> = {};
for (const benchmark of chosen) {
  const log = (line: string): void => console.error(`${benchmark.name}: ${line}`);
  const found = await benchmark.run({rounds, simjs: values.simjs, log});
  findings[benchmark.name] = found;
  console.log(`\n${found.title}\n\n${formatTable(found.columns, found.rows)}`);
  for (const note of found.notes) console.log(`- ${note}`);
}
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify({machine, rounds, findings}, null, 2)}\n`);
}
