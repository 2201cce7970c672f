/** A value in a command: a literal, a field of the cursor or of a variable, or a pipeline in parentheses. */
export type Operand =
  | { readonly type: 'literal'; readonly value: string | bigint | number | boolean | null }
  | { readonly type: 'path'; readonly from: 'cursor' | string; readonly fields: readonly string[] }
  | { readonly type: 'group'; readonly pipeline: Pipeline; readonly fields: readonly string[] }
  | { readonly type: 'function'; readonly name: string };

/** `$x := a b | c` */
export interface Pipeline {
  readonly variables: readonly string[];
  readonly declares: boolean;
  readonly commands: readonly (readonly Operand[])[];
}

export type Node =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'print'; readonly pipeline: Pipeline }
  | {
      readonly type: 'if' | 'with' | 'range';
      readonly pipeline: Pipeline;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    }
  | { readonly type: 'break' | 'continue' };

/** The template cannot be read. */
export class TemplateError extends Error {}

const MAX_DEPTH = 50;
const MAX_TEMPLATE = 16_384;
const TOKEN =
  /\s*(?:("(?:\\.|[^"\\])*"|`[^`]*`|'(?:\\.|[^'\\])+')|([-+]?(?:0x[\da-fA-F]+|\d+(?:\.\d+)?(?:[eE][-+]?\d+)?))|(\$\w*)|((?:\.[A-Za-z_]\w*)+)|(\.)|([A-Za-z_]\w*)|(:=|[=|(),]))/y;
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

interface Token {
  readonly type: 'string' | 'number' | 'variable' | 'fields' | 'dot' | 'word' | 'sign';
  readonly text: string;
  /** It follows the one before without a blank: `$x.name`. */
  readonly joined: boolean;
}

/** Reads a template. Throws TemplateError. Source: Go's text/template; without define, template and block. */
export function parseTemplate(text: string): readonly Node[] {
  return new Parser(text).all();
}

class Parser {
  readonly #pieces: { readonly text: string; readonly action: boolean }[] = [];
  #at = 0;
  #depth = 0;
  constructor(text: string) {
    if (text.length > MAX_TEMPLATE) throw new TemplateError(`a template has at most ${MAX_TEMPLATE} characters`);
    let from = 0;
    for (const found of text.matchAll(/\{\{(-?\s?)((?:"(?:\\.|[^"\\])*"|`[^`]*`|[^"`])*?)(\s?-?)\}\}/gs)) {
      this.#text(text.slice(from, found.index), { trimEnd: /^-\s/.test(found[1] ?? '') });
      const inside =
        (/^-\s/.test(found[1] ?? '') ? '' : (found[1] ?? '')) +
        (found[2] ?? '') +
        (/\s-$/.test(found[3] ?? '') ? '' : (found[3] ?? ''));
      this.#pieces.push({ text: inside.trim(), action: true });
      from = found.index + found[0].length;
      if (/\s-$/.test(found[3] ?? '')) from += /^\s*/.exec(text.slice(from))?.[0].length ?? 0;
    }
    const rest = text.slice(from);
    if (rest.includes('{{')) throw new TemplateError('unclosed action');
    this.#text(rest, { trimEnd: false });
  }

  #text(text: string, { trimEnd }: { trimEnd: boolean }): void {
    const kept = trimEnd ? text.trimEnd() : text;
    if (kept !== '') this.#pieces.push({ text: kept, action: false });
  }

  all(): readonly Node[] {
    const { nodes, end } = this.#list();
    if (end !== undefined) throw new TemplateError(`unexpected {{${end}}}`);
    return nodes;
  }

  /** Up to `{{end}}` or `{{else…}}`, which is returned, or to the end of the template. */
  #list(): { nodes: Node[]; end: string | undefined } {
    if (++this.#depth > MAX_DEPTH) throw new TemplateError('nested too deep');
    const nodes: Node[] = [];
    for (;;) {
      const piece = this.#pieces[this.#at++];
      if (piece === undefined || (piece.action && /^(?:end$|else\b)/.test(piece.text))) {
        this.#depth -= 1;
        return { nodes, end: piece?.text };
      }
      if (!piece.action) nodes.push({ type: 'text', text: piece.text });
      else if (!piece.text.startsWith('/*')) nodes.push(this.#action(piece.text));
    }
  }

  #action(text: string): Node {
    const [, word = '', rest = ''] =
      /^(if|with|range|break|continue|define|template|block)\b\s*(.*)$/s.exec(text) ?? [];
    switch (word) {
      case 'if':
      case 'with':
      case 'range':
        return this.#control(word, rest);
      case 'break':
      case 'continue':
        return { type: word };
      case '':
        return { type: 'print', pipeline: new PipelineParser(text).whole() };
    }
    throw new TemplateError(`{{${word}}} is not part of this terminal`);
  }

  #control(type: 'if' | 'with' | 'range', text: string): Node {
    const pipeline = new PipelineParser(text).whole();
    const { nodes: body, end } = this.#list();
    if (end === undefined) throw new TemplateError('unexpected EOF');
    let otherwise: readonly Node[] = [];
    const [, chained, rest = ''] = /^else\s+(if|with)\b\s*(.*)$/s.exec(end) ?? [];
    if (chained !== undefined) otherwise = [this.#control(chained as 'if', rest)];
    else if (end === 'else') {
      const last = this.#list();
      if (last.end !== 'end')
        throw new TemplateError(last.end === undefined ? 'unexpected EOF' : `unexpected {{${last.end}}}`);
      otherwise = last.nodes;
    }
    return { type, pipeline, body, otherwise };
  }
}

class PipelineParser {
  readonly #tokens: Token[] = [];
  #at = 0;
  #depth = 0;
  constructor(text: string) {
    TOKEN.lastIndex = 0;
    for (let at = 0; text.slice(at).trim() !== ''; at = TOKEN.lastIndex) {
      TOKEN.lastIndex = at;
      const found = TOKEN.exec(text);
      if (!found)
        throw new TemplateError(`unexpected ${JSON.stringify(text.slice(at).trim().slice(0, 20))} in command`);
      const types = ['string', 'number', 'variable', 'fields', 'dot', 'word', 'sign'] as const;
      const place = types.findIndex((_type, index) => found[index + 1] !== undefined);
      this.#tokens.push({
        type: types[place] ?? 'sign',
        text: found[place + 1] ?? '',
        joined: !/^\s/.test(found[0]) && at > 0,
      });
    }
  }

  whole(): Pipeline {
    const pipeline = this.#pipeline();
    const token = this.#tokens[this.#at];
    if (token) throw new TemplateError(`unexpected ${JSON.stringify(token.text)} in operand`);
    return pipeline;
  }

  #sign(text: string): boolean {
    const token = this.#tokens[this.#at];
    if (token?.type !== 'sign' || token.text !== text) return false;
    this.#at += 1;
    return true;
  }

  #pipeline(): Pipeline {
    if (++this.#depth > MAX_DEPTH) throw new TemplateError('nested too deep');
    const [variables, declares] = this.#assigned();
    const commands: Operand[][] = [];
    do commands.push(this.#command());
    while (this.#sign('|'));
    this.#depth -= 1;
    return { variables, declares, commands };
  }

  /** `$i, $v :=` in front of a pipeline. */
  #assigned(): [string[], boolean] {
    const [first, second, third, fourth] = this.#tokens.slice(this.#at, this.#at + 4);
    if (first?.type !== 'variable') return [[], false];
    if (second?.text === ':=' || second?.text === '=') {
      this.#at += 2;
      return [[first.text], second.text === ':='];
    }
    if (second?.text === ',' && third?.type === 'variable' && (fourth?.text === ':=' || fourth?.text === '=')) {
      this.#at += 4;
      return [[first.text, third.text], fourth.text === ':='];
    }
    return [[], false];
  }

  #command(): Operand[] {
    const operands: Operand[] = [];
    for (let operand = this.#operand(); operand; operand = this.#operand()) operands.push(operand);
    if (operands.length === 0) throw new TemplateError('missing value for command');
    return operands;
  }

  #operand(): Operand | undefined {
    const token = this.#tokens[this.#at];
    if (!token || (token.type === 'sign' && token.text !== '(')) return undefined;
    this.#at += 1;
    switch (token.type) {
      case 'string':
        return { type: 'literal', value: unquoted(token.text) };
      case 'number':
        return {
          type: 'literal',
          value:
            /[.eE]/.test(token.text) && !/^[-+]?0x/.test(token.text)
              ? Number(token.text)
              : BigInt(token.text.replace(/^\+/, '')),
        };
      case 'variable':
        return { type: 'path', from: token.text, fields: this.#fields() };
      case 'fields':
        return { type: 'path', from: 'cursor', fields: token.text.slice(1).split('.') };
      case 'dot':
        return { type: 'path', from: 'cursor', fields: [] };
      case 'word':
        if (token.text === 'true' || token.text === 'false') return { type: 'literal', value: token.text === 'true' };
        return token.text === 'nil' ? { type: 'literal', value: null } : { type: 'function', name: token.text };
      case 'sign': {
        const pipeline = this.#pipeline();
        if (!this.#sign(')')) throw new TemplateError('unclosed left paren');
        return { type: 'group', pipeline, fields: this.#fields() };
      }
    }
  }

  #fields(): string[] {
    const token = this.#tokens[this.#at];
    if (token?.type !== 'fields' || !token.joined) return [];
    this.#at += 1;
    return token.text.slice(1).split('.');
  }
}

const unquoted = (text: string): string =>
  text.startsWith('`')
    ? text.slice(1, -1)
    : text.slice(1, -1).replace(/\\(.)/gs, (_whole, char: string) => ESCAPES[char] ?? char);
