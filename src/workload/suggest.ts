/**
 * The known word that was probably meant, ignoring case: the nearest by edit distance where one letter or at most a
 * third of them differ, else the first one that `word` begins. Undefined where neither is found or nothing is common;
 * equal distances go to the earlier word.
 */
export function suggest(word: string, known: Iterable<string>): string | undefined {
  const typed = word.toLowerCase();
  let nearest: string | undefined;
  let least = Infinity;
  let completion: string | undefined;
  for (const candidate of known) {
    const lower = candidate.toLowerCase();
    const distance = editDistance(typed, lower);
    const length = Math.max(typed.length, lower.length);
    if (distance < least && (distance === 0 || distance < length) && distance <= Math.max(1, length / 3)) {
      least = distance;
      nearest = candidate;
    }
    if (typed !== '' && lower.startsWith(typed)) completion ??= candidate;
  }
  return nearest ?? completion;
}

/** `unknown tenant: "x"` with the nearest known name. */
export function unknownName(noun: string, name: string, known: Iterable<string>): string {
  const names = [...known];
  const meant = suggest(name, names);
  return `unknown ${noun}: "${name}"${meant === undefined ? ` (known: ${names.join(', ')})` : `; did you mean "${meant}"?`}`;
}

/** Levenshtein distance: insertions, deletions and substitutions of UTF-16 units, one each. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({length: b.length + 1}, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, row[j] + 1, next[j - 1] + 1));
    }
    row = next;
  }
  return row[b.length];
}
