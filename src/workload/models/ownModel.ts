import type {Layer, Model} from './layer.ts';

/** What a file says of a model of the user's own. */
export type GivenModel = Partial<Model> & {layers: Layer[]};

/** A model of the user's own: its name is the file's, without its ending, unless the file gives one. */
export function ownModel(given: GivenModel, fileName: string): Model {
  const stem = fileName
    .split(/[/\\]/)
    .at(-1)!
    .replace(/\.(ya?ml|csv)$/i, '');
  const name = given.name ?? stem;
  return {title: name, description: 'own model', source: fileName, ...given, name};
}
