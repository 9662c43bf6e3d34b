// What a model is made of: layers as GEMMs and memory-bound passes, for one input (an image, a sequence or a step).

/** What kind of GEMM a layer is. `bgemm` multiplies two activations (attention); the others multiply weights. */
export const gemmKinds = ['conv', 'dwconv', 'gconv', 'fc', 'gemm', 'bgemm'] as const;
export type GemmKind = (typeof gemmKinds)[number];

/** What a batch of b inputs multiplies by b: the columns of B, the number of products, or nothing. */
export const scalings = ['n', 'count', 'none'] as const;
export type Scaling = (typeof scalings)[number];

/**
 * A layer as `count` products C[m,n] = A[m,k] B[k,n] (im2col for convolutions): m output channels, n output pixels or
 * tokens, k input channels times the kernel's area. Grouped convolutions count their groups, attention its heads.
 */
export interface GemmLayer {
  readonly name: string;
  readonly kind: GemmKind;
  readonly m: number;
  /** At batch 1. */
  readonly n: number;
  readonly k: number;
  /** At batch 1. */
  readonly count: number;
  readonly scales: Scaling;
  /** Elements of the activation tensors read and written for one input, before im2col copies them out. */
  readonly elements: number;
  /** Parameters: A, the bias, and a batch norm that inference folds into A. */
  readonly weights: number;
}

/** A memory-bound pass over activations; a batch multiplies `elements`. Its bytes follow from the data type. */
export interface ElementwiseLayer {
  readonly name: string;
  readonly kind: 'elementwise';
  /** Elements of all activation tensors read and written for one input. */
  readonly elements: number;
  /** Parameters: norms that cannot be folded, embedding tables. Resident, but not counted as read in full. */
  readonly weights: number;
}

/** One kernel's worth of a model. */
export type Layer = GemmLayer | ElementwiseLayer;

/** A network as the kernels of one inference, in order of execution. */
export interface Model {
  /** Lower case, as scenarios name it, e.g. `resnet-50`. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly layers: readonly Layer[];
  /** The paper and the implementation that the shapes follow, or the file of an own model. */
  readonly source: string;
}
