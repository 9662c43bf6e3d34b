// What a schema finds wrong with a file, in the words of who writes it.
import type {z} from 'zod';

/** What a file calls what Zod calls by its name in JavaScript. */
const nouns = new Map([
  ['array', 'a list'],
  ['object', 'a mapping'],
  ['string', 'a text'],
  ['number', 'a number'],
  ['int', 'a whole number'],
  ['boolean', 'true or false'],
  ['null', 'nothing'],
]);

/** What a file calls a value of this kind. */
export function kindOf(value: unknown): string {
  const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  return nouns.get(type) ?? type;
}

/** What is wrong, in the words of who writes a file: Zod's own are "Invalid input: expected array, received undefined". */
export function problemOf(issue: z.core.$ZodIssue): string {
  const {message, path} = issue;
  // Those of ours are sentences of their own.
  if (message.startsWith('Too ')) return limitOf(issue);
  const ofType = /^Invalid input: expected (\w+), received (\w+)$/.exec(message);
  if (ofType === null) return message.replace(/^Invalid input: /, '');
  if (ofType[1] === 'int' && ofType[2] === 'number') return 'expected a whole number';
  const [expected, received] = ofType.slice(1).map((type) => nouns.get(type) ?? type);
  return received === 'undefined'
    ? `missing ${String(path.at(-1))} (expected ${expected})`
    : `expected ${expected}, got ${received}`;
}

/** The limit that a value is beyond: Zod's own are "Too big: expected number to be <=10000". */
function limitOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'too_big') {
    return `expected ${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}`;
  }
  if (issue.code !== 'too_small') return issue.message;
  if (issue.origin === 'string') return 'expected a text that is not empty';
  if (issue.origin === 'array') return `expected at least ${issue.minimum} in the list`;
  return `expected ${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}`;
}
