import { RE2JS } from 're2js';
import { ConfigProblem } from './problem.ts';

/** Characters of a path segment (RFC 3986, pchar). */
const SEGMENT = "[a-zA-Z0-9\\-._~%!$&'()*+,;:@=]";
const VARIABLE = /^\{[a-zA-Z][a-zA-Z0-9_]*(?:=([^{}]*))?\}$/;

/**
 * Compiles Envoy's URI template (envoy.extensions.path.match.uri_template.v3): `*` is one segment, `**` any number of them,
 * `{name}` and `{name=*}` the same with a name. The whole path must match.
 */
export function compileUriTemplate(template: string, field: string): (path: string) => boolean {
  if (!template.startsWith('/')) throw new ConfigProblem(field, `path template "${template}" must begin with "/"`);
  const parts = template.slice(1).split('/');
  const pattern = parts.map((part) => segmentPattern(part, template, field)).join('/');
  const compiled = RE2JS.compile(`/${pattern}`);
  return (path) => compiled.matches(path);
}

function segmentPattern(part: string, template: string, field: string): string {
  if (part === '*') return `${SEGMENT}+`;
  if (part === '**') return `(?:${SEGMENT}|/)*`;
  const variable = VARIABLE.exec(part);
  if (variable !== null) {
    const inner = variable[1] ?? '*';
    return inner === '**' ? `(?:${SEGMENT}|/)*` : inner === '*' ? `${SEGMENT}+` : RE2JS.quote(inner);
  }
  if (/[{}*]/.test(part)) throw new ConfigProblem(field, `"${part}" of path template "${template}" is no segment`);
  return RE2JS.quote(part);
}
