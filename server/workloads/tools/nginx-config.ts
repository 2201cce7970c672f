import { MeshworkError } from '#domain';

/** A `server` block of nginx, as far as it is followed here. */
export interface NginxServer {
  readonly listens: readonly { readonly port: number; readonly tls: boolean }[];
  readonly names: readonly string[];
  readonly root: string;
  readonly index: readonly string[];
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly clientCa?: string | undefined;
  readonly verifiesClients: boolean;
  readonly locations: readonly NginxLocation[];
  /** Answers everything. */
  readonly returns?: NginxReturn | undefined;
}

export interface NginxLocation {
  readonly path: string;
  readonly exact: boolean;
  readonly root?: string | undefined;
  readonly returns?: NginxReturn | undefined;
}

export interface NginxReturn {
  readonly status: number;
  readonly text: string;
}

interface Directive {
  readonly name: string;
  readonly args: readonly string[];
  readonly block?: readonly Directive[];
}

const ROOT = '/usr/share/nginx/html';
const TOKEN = /\s+|#[^\n]*|([{};])|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s{};"'#][^\s{};]*)/gy;

/** The servers of a configuration. Throws MeshworkError in nginx's words for text that is none. */
export function readNginxServers(text: string, file: string): NginxServer[] {
  const directives = parse(text, file);
  const top = directives.filter(({ name }) => name === 'server');
  const inHttp = directives.flatMap(({ name, block }) => (name === 'http' ? (block ?? []) : []));
  return [...top, ...inHttp.filter(({ name }) => name === 'server')].map(({ block = [] }) => serverOf(block));
}

/** Whether the files of a folder are read, too: `include /etc/nginx/conf.d/*.conf;` */
export const includesFolder = (text: string, folder: string): boolean => text.includes(`include ${folder}`);

function serverOf(block: readonly Directive[]): NginxServer {
  const first = (name: string): readonly string[] | undefined => block.find((each) => each.name === name)?.args;
  const listens = block
    .filter(({ name }) => name === 'listen')
    .map(({ args: [address = '80', ...flags] }) => ({
      port: Number(address.split(':').at(-1)) || 80,
      tls: flags.includes('ssl'),
    }));
  return {
    listens: listens.length > 0 ? listens : [{ port: 80, tls: false }],
    names: first('server_name') ?? [],
    root: first('root')?.[0] ?? ROOT,
    index: first('index') ?? ['index.html'],
    certificate: first('ssl_certificate')?.[0],
    key: first('ssl_certificate_key')?.[0],
    clientCa: first('ssl_client_certificate')?.[0],
    verifiesClients: first('ssl_verify_client')?.[0] === 'on',
    returns: returnOf(block),
    locations: block
      .filter(({ name }) => name === 'location')
      .map(({ args, block: inside = [] }) => ({
        path: args.at(-1) ?? '/',
        exact: args[0] === '=',
        root: inside.find(({ name }) => name === 'root')?.args[0],
        returns: returnOf(inside),
      })),
  };
}

function returnOf(block: readonly Directive[]): NginxReturn | undefined {
  const args = block.find(({ name }) => name === 'return')?.args;
  if (args === undefined) return undefined;
  const [status = '200', text = ''] = args;
  return { status: Number(status) || 200, text };
}

/** The location of a path: the exact one, else the longest that it begins with. */
export function locationOf({ locations }: NginxServer, path: string): NginxLocation | undefined {
  const exact = locations.find((each) => each.exact && each.path === path);
  if (exact !== undefined) return exact;
  return locations
    .filter((each) => !each.exact && path.startsWith(each.path))
    .sort((a, b) => b.path.length - a.path.length)[0];
}

function parse(text: string, file: string): Directive[] {
  const stack: { readonly into: Directive[]; readonly opened?: Directive }[] = [{ into: [] }];
  let words: string[] = [];
  const fail = (why: string, at: number): never => {
    const line = text.slice(0, at).split('\n').length;
    throw new MeshworkError('MW9208', `nginx: [emerg] ${why} in ${file}:${line}`);
  };
  let at = 0;
  for (const found of text.matchAll(TOKEN)) {
    if (found.index !== at) break;
    at += found[0].length;
    const [, mark, double, single, bare] = found;
    const word = double ?? single ?? bare;
    if (word !== undefined) words.push(word);
    else if (mark === ';' || mark === '{') {
      const [name, ...args] = words;
      if (name === undefined) return fail(`unexpected "${mark}"`, found.index);
      const block: Directive[] | undefined = mark === '{' ? [] : undefined;
      stack.at(-1)?.into.push({ name, args, ...(block !== undefined && { block }) });
      if (block !== undefined) stack.push({ into: block });
      words = [];
    } else if (mark === '}') {
      if (words.length > 0 || stack.length === 1) return fail('unexpected "}"', found.index);
      stack.pop();
    }
  }
  if (at < text.length) return fail(`unexpected "${text[at]}"`, at);
  if (stack.length > 1 || words.length > 0) return fail('unexpected end of file, expecting ";" or "}"', text.length);
  return stack[0]?.into ?? [];
}
