import {InputError} from '../../scheduler/errors.ts';
import {suggest} from '../suggest.ts';
import {alexnet} from './alexnet.ts';
import {bertBase} from './bert.ts';
import {densenet} from './densenet.ts';
import {gnmtStep} from './gnmt.ts';
import type {Model} from './layer.ts';
import {lstm} from './lstm.ts';
import {mobilenetV2} from './mobilenet.ts';
import {resnet} from './resnet.ts';
import {senet154} from './senet.ts';
import {vgg} from './vgg.ts';

const zoo = [
  alexnet(),
  vgg(16),
  vgg(19),
  resnet(18),
  resnet(34),
  resnet(50),
  resnet(101),
  resnet(152),
  densenet(121),
  densenet(161),
  mobilenetV2(),
  senet154(),
  bertBase(128),
  bertBase(384),
  lstm(512),
  lstm(1024),
  lstm(2048),
  gnmtStep(),
];

/** Families whose names end in a size of the caller's choice. */
const families: readonly {readonly prefix: string; readonly make: (size: number) => Model}[] = [
  {prefix: 'bert-base-', make: bertBase},
  {prefix: 'lstm-', make: lstm},
];

/** The known models by name, in order of publication within each kind. */
export const models: ReadonlyMap<string, Model> = new Map(zoo.map((model) => [model.name, model]));

/**
 * The model of that name: one of `models`, or of another size, as `bert-base-<tokens>` (1 to 512) and `lstm-<units>`
 * (1 to 16384). Throws an `InputError` with the nearest known name.
 */
export function findModel(name: string): Model {
  const known = models.get(name);
  if (known) return known;
  for (const {prefix, make} of families) {
    const size = name.startsWith(prefix) ? name.slice(prefix.length) : '';
    if (/^(0|[1-9][0-9]{0,8})$/.test(size)) return make(Number(size));
  }
  const meant = suggest(name, models.keys());
  const hint =
    meant === undefined ? ` (known: ${[...models.keys()].join(', ')})` : `; did you mean "${meant}"?`;
  throw new InputError(`unknown model: ${name}${hint}`);
}
