/** A parsed CEL expression. */
export type CelNode =
  | { readonly type: 'literal'; readonly value: string | number | boolean | null }
  | { readonly type: 'name'; readonly name: string }
  | { readonly type: 'list'; readonly items: readonly CelNode[] }
  | { readonly type: 'map'; readonly entries: readonly (readonly [CelNode, CelNode])[] }
  | { readonly type: 'select'; readonly operand: CelNode; readonly field: string }
  | { readonly type: 'index'; readonly operand: CelNode; readonly index: CelNode }
  | { readonly type: 'call'; readonly target?: CelNode; readonly name: string; readonly args: readonly CelNode[] }
  | { readonly type: 'unary'; readonly operator: '!' | '-'; readonly operand: CelNode }
  | { readonly type: 'binary'; readonly operator: string; readonly left: CelNode; readonly right: CelNode }
  | { readonly type: 'conditional'; readonly test: CelNode; readonly then: CelNode; readonly otherwise: CelNode };

/** The text is no CEL expression; `offset` is where reading stopped. */
export class CelSyntaxError extends Error {
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(message);
    this.name = 'CelSyntaxError';
    this.offset = offset;
  }
}
