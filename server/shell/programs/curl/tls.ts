import type { SecureVersion } from 'node:tls';
import type { FetchInit } from '#workloads';
import { UsageError } from '../../command.ts';
import type { Flags } from '../../flags.ts';

type Tls = NonNullable<FetchInit['tls']>;

/** curl's own words for a file that it cannot use, and the exit code. */
const UNREADABLE: Readonly<Record<'cacert' | 'cert' | 'key', (path: string) => readonly [code: number, text: string]>> =
  {
    cacert: (path) => [77, `error setting certificate file: ${path}`],
    cert: (path) => [
      58,
      `could not load PEM client certificate from ${path}, OpenSSL error error:80000002:system library::No such file or directory, (no key found, wrong pass phrase, or wrong file format?)`,
    ],
    key: (path) => [58, `unable to set private key file: '${path}' type PEM`],
  };

/** What `-k`, `--cacert`, `--cert`, `--key` and the versions say. A certificate's file may hold its key, too. Throws UsageError. */
export function tlsOf(flags: Flags, read: ((path: string) => string | undefined) | undefined): Tls {
  const file = (flag: keyof typeof UNREADABLE): string | undefined => {
    const path = flags.text(flag);
    if (path === undefined) return undefined;
    const text = read?.(path);
    if (text !== undefined) return text;
    const [code, why] = UNREADABLE[flag](path);
    throw new UsageError(`curl: (${code}) ${why}`, code);
  };
  const [ca, cert] = [file('cacert'), file('cert')];
  const key = file('key') ?? (cert !== undefined && /PRIVATE KEY/.test(cert) ? cert : undefined);
  return {
    ...(flags.on('insecure') ? { insecure: true } : {}),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...versionsOf(flags),
  };
}

const TLS_VERSIONS: Readonly<Record<string, SecureVersion>> = {
  '1.0': 'TLSv1',
  '1.1': 'TLSv1.1',
  '1.2': 'TLSv1.2',
  '1.3': 'TLSv1.3',
};

function versionsOf(flags: Flags): Pick<Tls, 'minVersion' | 'maxVersion'> {
  const least = ['1.2', '1.3'].find((each) => flags.on(`tlsv${each}`));
  const most = TLS_VERSIONS[flags.text('tls-max') ?? ''];
  return {
    ...(least === undefined ? {} : { minVersion: TLS_VERSIONS[least] ?? 'TLSv1.2' }),
    ...(most === undefined ? {} : { maxVersion: most }),
  };
}
