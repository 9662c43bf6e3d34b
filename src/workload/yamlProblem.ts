import type {YAMLParseError} from 'yaml';

/** What is wrong with a YAML text, without the place: the parser's own sentence where that is meant for who writes it. */
export function yamlProblem({code, message}: YAMLParseError): string {
  if (code === 'MULTIPLE_DOCS') return 'a second document begins (expected one)';
  const sentence = message.split('\n')[0].replace(/ at line.*$/, '');
  return `${sentence[0].toLowerCase()}${sentence.slice(1)}`;
}
