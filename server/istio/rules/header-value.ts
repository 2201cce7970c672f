type State =
  | 'literal'
  | 'variable name'
  | 'expect array'
  | 'expect string'
  | 'string'
  | 'expect delimiter'
  | 'expect arguments end'
  | 'expect variable end';

/** The next state, or what is wrong. `skip`: the following character belongs to this one. */
type Step = State | { readonly wrong: string } | { readonly skip: State };

const wrong = (what: string): Step => ({ wrong: `invalid header configuration. ${what}` });

/** After a blank a state stays as it is, in all states between the parts of a variable. */
const between = (state: State, char: string, what: string): Step => (char === ' ' ? state : wrong(what));

/** What each state does with a character, and with the one behind it. */
const TABLE: Readonly<Record<State, (char: string, next: string | undefined) => Step>> = {
  literal: (char, next) => {
    if (char !== '%') return 'literal';
    if (next === undefined) return wrong('Un-escaped %');
    return next === '%' ? { skip: 'literal' } : 'variable name';
  },
  'variable name': (char) => (char === '%' ? 'literal' : char === '(' ? 'expect array' : 'variable name'),
  'expect array': (char) => (char === '[' ? 'expect string' : char === ' ' ? 'expect array' : 'string'),
  'expect string': (char) => (char === '"' ? 'string' : between('expect string', char, `Expecting '"'`)),
  string: (char, next) => {
    if (char === '\\') {
      return next === undefined ? wrong('Un-terminated backslash in JSON string') : { skip: 'string' };
    }
    return char === ')' ? 'expect variable end' : char === '"' ? 'expect delimiter' : 'string';
  },
  'expect delimiter': (char) => {
    if (char === ',') return 'expect string';
    return char === ']'
      ? 'expect arguments end'
      : between('expect delimiter', char, "Expecting ',', ']', or whitespace");
  },
  'expect arguments end': (char) => {
    const what = "Expecting ')' or whitespace after '{}', but found '{}'";
    return char === ')' ? 'expect variable end' : between('expect arguments end', char, what);
  },
  'expect variable end': (char) =>
    char === '%' ? 'literal' : between('expect variable end', char, "Expecting '%' or whitespace after"),
};

/** What is wrong with the command operators of a header's value: `%START_TIME%`, `%REQ(x)%`, `%UPSTREAM_METADATA(["a", "b"])%`. */
function operatorsProblem(value: string): string | undefined {
  let state: State = 'literal';
  for (let at = 0; at < value.length; at++) {
    const step: Step = TABLE[state](value[at] ?? '', value[at + 1]);
    if (typeof step === 'string') state = step;
    else if ('wrong' in step) return step.wrong;
    else {
      state = step.skip;
      at++;
    }
  }
  if (state === 'literal') return undefined;
  return `invalid header configuration. Un-terminated variable expression '${value}'`;
}

const isControl = (code: number): boolean => (code < 32 && code !== 9) || code === 127;

/** Whether the text has a control character besides the tabulator. */
export function hasControlCharacter(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (isControl(text.charCodeAt(at))) return true;
  return false;
}

/** What is wrong with a value that a proxy is to set; it follows Envoy's reading of command operators. */
export function headerValueProblem(value: string): string | undefined {
  if (hasControlCharacter(value)) return `header value configuration ${value} is invalid`;
  const problem = operatorsProblem(value);
  return problem === undefined ? undefined : `header value configuration: ${problem}`;
}
