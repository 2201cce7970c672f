/**
 * HPACK's Huffman code (RFC 7541, Appendix B). It is canonical: the length of each symbol's code, a digit of base 36 from symbol 0 to 256
 * (end of string), tells all of it.
 */
const LENGTHS =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca' +
  'd67777777777777777777777878djde6f56565666577666567655677777fbeds' +
  'kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn' +
  'qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu';
const END_OF_STRING = 256;
const MAX_LENGTH = 30;
/** Padding is a beginning of the code of ones that ends a string; at most seven bits of it. */
const MAX_PADDING = 7;
const FAIL = 0xffff;
const NO_SYMBOL = -1;

/** For each inner node of the code tree and each value of the next four bits: the node behind them, and the symbol they end, if any. */
interface NibbleTable {
  readonly next: Uint16Array;
  readonly symbol: Int16Array;
  /** 1 for each node at which a string may end. */
  readonly final: Uint8Array;
}

/** Children of inner nodes: below `LEAF` another node, from it on a symbol. */
const LEAF = 0x1000;

function buildTree(): [number, number][] {
  const lengths = Array.from(LENGTHS, (digit) => Number.parseInt(digit, 36));
  const nodes: [number, number][] = [[-1, -1]];
  let code = 0;
  for (let length = 1; length <= MAX_LENGTH; length++) {
    code *= 2;
    for (const [symbol, own] of lengths.entries()) {
      if (own !== length) continue;
      plant(nodes, code, length, symbol);
      code++;
    }
  }
  return nodes;
}

function plant(nodes: [number, number][], code: number, length: number, symbol: number): void {
  let node = 0;
  for (let bit = length - 1; bit > 0; bit--) {
    const side = (code >> bit) & 1;
    if (nodes[node]![side] === -1) nodes[node]![side] = nodes.push([-1, -1]) - 1;
    node = nodes[node]![side]!;
  }
  nodes[node]![code & 1] = LEAF + symbol;
}

function buildTable(): NibbleTable {
  const nodes = buildTree();
  const next = new Uint16Array(nodes.length * 16);
  const symbol = new Int16Array(nodes.length * 16).fill(NO_SYMBOL);
  for (let place = 0; place < next.length; place++) {
    let node = place >> 4;
    for (let bit = 3; bit >= 0; bit--) {
      const child = nodes[node]![(place >> bit) & 1]!;
      node = child >= LEAF ? 0 : child;
      if (child === LEAF + END_OF_STRING) {
        node = FAIL;
        break;
      }
      if (child >= LEAF) symbol[place] = child - LEAF;
    }
    next[place] = node;
  }
  const final = new Uint8Array(nodes.length);
  for (let node = 0, depth = 0; depth <= MAX_PADDING; depth++) {
    final[node] = 1;
    node = nodes[node]![1];
  }
  return { next, symbol, final };
}

const table = buildTable();

/** The text behind the Huffman code from `start` to `end`; undefined when that is no valid code. */
export function decodeHuffman(bytes: Buffer, start: number, end: number): string | undefined {
  const { next, symbol, final } = table;
  // The shortest code has five bits.
  const text = Buffer.allocUnsafe(Math.ceil(((end - start) * 8) / 5));
  let length = 0;
  let node = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!;
    for (let nibble = byte >> 4, half = 0; half < 2; half++, nibble = byte & 15) {
      const place = (node << 4) | nibble;
      node = next[place]!;
      if (node === FAIL) return undefined;
      const found = symbol[place]!;
      if (found !== NO_SYMBOL) text[length++] = found;
    }
  }
  return final[node] === 1 ? text.toString('latin1', 0, length) : undefined;
}
