import type { ClientProxy } from '#workloads';
import { UsageError } from '../../command.ts';
import type { Flags } from '../../flags.ts';

const DEFAULT_PORT = 1080;

/** `-x [http://][user:password@]host[:port]`, `-U`, `-p`, `--proxy-header` and `--noproxy`. Throws UsageError. */
export function proxyOf(flags: Flags): (hostname: string) => ClientProxy | undefined {
  const text = flags.text('proxy') ?? '';
  if (text === '') return () => undefined;
  const [, scheme = 'http'] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text) ?? [];
  if (scheme.toLowerCase() !== 'http') throw new UsageError(`curl: (7) Unsupported proxy scheme for '${text}'`, 7);
  const address = `http://${text.replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')}`;
  if (!URL.canParse(address)) throw new UsageError(`curl: (5) Unsupported proxy syntax in '${text}': Bad hostname`, 5);
  const url = new URL(address);
  // A URL forgets the port that its scheme has anyway.
  const isDefault = /:80(?:\/|$)/.test(address.replace(/^.*@/, ''));
  const user = flags.text('proxy-user') ?? decodeURIComponent(url.username + (url.password && `:${url.password}`));
  const headers: Record<string, string> = {};
  if (user !== '') headers['proxy-authorization'] = `Basic ${Buffer.from(user).toString('base64')}`;
  const agent = flags.text('user-agent') ?? 'curl/8.5.0';
  if (agent !== '') headers['user-agent'] = agent;
  for (const line of flags.all('proxy-header')) {
    const at = line.indexOf(':');
    if (at > 0) headers[line.slice(0, at).trim().toLowerCase()] = line.slice(at + 1).trim();
  }
  const proxy: ClientProxy = {
    host: url.hostname,
    port: url.port === '' ? (isDefault ? 80 : DEFAULT_PORT) : Number(url.port),
    headers,
    tunnel: flags.on('proxytunnel'),
  };
  const without = (flags.text('noproxy') ?? '').split(/[ ,]+/).filter((each) => each !== '');
  return (hostname) => (without.some((each) => isFor(each, hostname)) ? undefined : proxy);
}

/** A name of `--noproxy` stands for its subdomains, too; `*` for all. */
function isFor(name: string, hostname: string): boolean {
  const plain = name.replace(/^\./, '');
  return name === '*' || hostname === plain || hostname.endsWith(`.${plain}`);
}
