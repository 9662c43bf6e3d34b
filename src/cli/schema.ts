import {z} from 'zod';
import {scenarioSchema} from '../experiment/scenario.ts';
import type {Command} from './command.ts';

/** Prints the JSON Schema of the scenario file, for editors and other tools. */
export const schema: Command = {
  positionals: {},
  options: {},
  examples: [['$0 schema > scenario.schema.json', 'for "# yaml-language-server: $schema=..." in a scenario']],
  run(_, {stdout}) {
    const json = z.toJSONSchema(scenarioSchema, {io: 'input', unrepresentable: 'any'});
    stdout.write(`${JSON.stringify(json, null, 2)}\n`);
  },
};
