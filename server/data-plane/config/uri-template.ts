import { RE2JS } from 're2js';
import { ConfigProblem } from './problem.ts';

/** Characters of a path segment (RFC 3986, pchar). */
const SEGMENT = "[a-zA-Z0-9\\-._~%!$&'()*+,;:@=]";
const ONE = `${SEGMENT}+`;
const ANY = `(?:${SEGMENT}|/)*`;
/** A variable, a wildcard, or a character that stands for itself. */
const TOKEN = /\{([a-zA-Z][a-zA-Z0-9_]*)(?:=([^{}]*))?\}|\*\*|\*|[^{}*]+/gy;
const MAX_VARIABLES = 5;

/** What a template says of one path. */
export interface UriTemplate {
  readonly matches: (path: string) => boolean;
  /** The values of its variables, by name; undefined where the path does not match. */
  readonly capture: (path: string) => ReadonlyMap<string, string> | undefined;
  readonly variables: ReadonlySet<string>;
}

/**
 * Compiles Envoy's URI template (envoy.extensions.path.match.uri_template.v3): `*` is one segment or a part of one, `**` any number of them,
 * `{name}` and `{name=*}` the same with a name. The whole path must match. Throws ConfigProblem.
 */
export function compileUriTemplate(template: string, field: string): UriTemplate {
  if (!template.startsWith('/')) throw new ConfigProblem(field, `path template "${template}" must begin with "/"`);
  const names: string[] = [];
  let pattern = '';
  let at = 0;
  for (const [token, name, inner] of template.matchAll(TOKEN)) {
    at += token.length;
    if (name === undefined) {
      pattern += patternOf(token);
      continue;
    }
    if (names.includes(name)) throw new ConfigProblem(field, `"${name}" stands twice in path template "${template}"`);
    names.push(name);
    pattern += `(${(inner ?? '*')
      .split(/(\*\*|\*)/)
      .map(patternOf)
      .join('')})`;
  }
  if (at < template.length) throw new ConfigProblem(field, `path template "${template}" has a stray brace`);
  if (names.length > MAX_VARIABLES) {
    throw new ConfigProblem(field, `path template "${template}" has more than ${MAX_VARIABLES} variables`);
  }
  const wild = template.replaceAll(/\{[^{}=]*=?([^{}]*)\}/g, '$1');
  if (/\*\*.*\*/.test(wild)) throw new ConfigProblem(field, `"**" must be the last wildcard of "${template}"`);
  const compiled = RE2JS.compile(pattern);
  return {
    matches: (path) => compiled.matches(path),
    capture: (path) => {
      const matcher = compiled.matcher(path);
      return matcher.matches() ? new Map(names.map((name, i) => [name, matcher.group(i + 1) ?? ''])) : undefined;
    },
    variables: new Set(names),
  };
}

function patternOf(token: string): string {
  if (token === '**') return ANY;
  return token === '*' ? ONE : RE2JS.quote(token);
}

/**
 * Compiles a UriTemplateRewriteConfig: text in which `{name}` stands for what the route's own template has captured. Returns the new path, or
 * undefined for a path that does not match.
 */
export function compileUriRewrite(
  rewrite: string,
  template: UriTemplate,
  field: string,
): (path: string) => string | undefined {
  if (!rewrite.startsWith('/')) throw new ConfigProblem(field, `"${rewrite}" must begin with "/"`);
  const parts = rewrite.split(/\{([^{}]*)\}/);
  for (const [i, name] of parts.entries()) {
    if (i % 2 === 1 && !template.variables.has(name)) {
      throw new ConfigProblem(field, `"${name}" is no variable of the path template that the route matches`);
    }
  }
  return (path) => {
    const values = template.capture(path);
    return values && parts.map((part, i) => (i % 2 === 0 ? part : values.get(part))).join('');
  };
}
