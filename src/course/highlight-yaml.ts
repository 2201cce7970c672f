export type TokenKind = 'k' | 's' | 'd' | 'c' | '';

export interface Token {
  /** k key, s value, d number, c comment, empty for punctuation and space. */
  readonly kind: TokenKind;
  readonly text: string;
}

const numberLike = /^-?\d+(\.\d+)?(ms|s|m|h)?$/;

/** The colours of the editor for short YAML in lessons and words. Block scalars are not needed there and not known here. */
export function yamlTokens(text: string): Token[] {
  return text.split('\n').flatMap((line, index) => [...(index > 0 ? [punctuation('\n')] : []), ...lineTokens(line)]);
}

function lineTokens(line: string): Token[] {
  const comment = /(^|\s)#.*$/.exec(line);
  const code = comment ? line.slice(0, comment.index) : line;
  const tail: Token[] = comment ? [{ kind: 'c', text: line.slice(comment.index) }] : [];
  return [...codeTokens(code), ...tail];
}

// Quoted text · a key before a colon · brackets, commas, colons, dashes of a list, space · any other run is a value.
const pieces =
  /("[^"]*"|'[^']*')|([^\s:,{}[\]"'][^:,{}[\]"']*?)(?=:(?:\s|$))|((?:^\s*(?:- )+)|[\s{}[\],]+|:(?=\s|$))|([^\s,{}[\]]+)/g;

function codeTokens(code: string): Token[] {
  const tokens: Token[] = [];
  for (const [text, quoted, key, mark] of code.matchAll(pieces)) {
    if (quoted !== undefined) tokens.push(valueToken(text));
    else if (key !== undefined) tokens.push({ kind: 'k', text });
    else if (mark !== undefined) tokens.push(punctuation(text));
    else tokens.push(valueToken(text));
  }
  return tokens;
}

function valueToken(text: string): Token {
  return { kind: numberLike.test(text.replace(/^["']|["']$/g, '')) ? 'd' : 's', text };
}

function punctuation(text: string): Token {
  return { kind: '', text };
}
