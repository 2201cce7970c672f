import type { FetchResponse } from '#workloads';

/** What `-w` can tell of a transfer. */
export interface Transfer {
  readonly url: string;
  readonly method: string;
  readonly response: FetchResponse | undefined;
  readonly seconds: number;
  /** When the last request began: what redirects took before it. */
  readonly redirectSeconds: number;
  readonly redirects: number;
  readonly uploaded: number;
  /** Of the heads of all answers. */
  readonly headBytes: number;
  readonly exitCode: number;
  readonly error: string;
  readonly file: string;
  /** Of the URLs of the command, from 0. */
  readonly number: number;
}

function values(transfer: Transfer): Readonly<Record<string, string | number | undefined>> {
  const { response, url, number, redirectSeconds } = transfer;
  const { times } = response ?? {};
  // Phases count from the beginning of the command's transfer, redirects included.
  const at = (ms: number | undefined): string => (ms === undefined ? 0 : redirectSeconds + ms / 1000).toFixed(6);
  const readyMs = times?.securedMs ?? times?.connectedMs;
  const size = response?.body.length ?? 0;
  const speed = (bytes: number): number => (transfer.seconds > 0 ? Math.round(bytes / transfer.seconds) : bytes);
  const target = new URL(url);
  const { location } = response?.headers ?? {};
  const redirect = response !== undefined && response.status >= 300 && response.status < 400 ? location : undefined;
  return {
    content_type: response?.headers['content-type'],
    errormsg: transfer.error || undefined,
    exitcode: transfer.exitCode,
    filename_effective: transfer.file || undefined,
    http_code: response?.status ?? 0,
    http_version: response === undefined ? '0' : (response.head?.version ?? '1.1').replace('1.0', '1'),
    local_ip: response?.localAddress,
    local_port: response?.localPort ?? 0,
    method: transfer.method,
    num_headers: response?.head?.lines.length ?? Object.keys(response?.headers ?? {}).length,
    num_connects: response === undefined ? 0 : transfer.redirects + 1,
    num_redirects: transfer.redirects,
    redirect_url: redirect === undefined ? undefined : new URL(redirect, url).href,
    referer: undefined,
    remote_ip: response?.destination?.ip,
    remote_port: response?.destination?.port ?? 0,
    response_code: response?.status ?? 0,
    scheme: target.protocol.slice(0, -1).toUpperCase(),
    size_download: size,
    size_header: response === undefined ? 0 : transfer.headBytes,
    size_upload: transfer.uploaded,
    speed_download: speed(size),
    speed_upload: speed(transfer.uploaded),
    ssl_verify_result: 0,
    time_appconnect: at(times?.securedMs),
    time_connect: at(times?.connectedMs),
    time_namelookup: at(times === undefined ? undefined : 0),
    time_pretransfer: at(readyMs),
    time_redirect: redirectSeconds.toFixed(6),
    time_starttransfer: at(times?.answeredMs),
    time_total: transfer.seconds.toFixed(6),
    url,
    url_effective: url,
    urlnum: number,
  };
}

/** The text of `-w`; unknown names are told on the error stream. Source: curl's manual, --write-out. */
export function writeOut(format: string, transfer: Transfer, err: (text: string) => void): string {
  const known = values(transfer);
  const { headers = {} } = transfer.response ?? {};
  return format.replace(
    /%(?:%|\{([\w]+)\}|header\{([^}]+)\})|\\([ntr])/g,
    (_whole, name: string | undefined, header: string | undefined, escape: string | undefined) => {
      if (escape !== undefined) return { n: '\n', t: '\t', r: '\r' }[escape] ?? '';
      if (header !== undefined) return headers[header.toLowerCase()] ?? '';
      if (name === undefined) return '%';
      if (name === 'json') return JSON.stringify(known);
      if (name === 'header_json')
        return JSON.stringify(Object.fromEntries(Object.entries(headers).map(([key, text]) => [key, [text]])));
      if (name === 'stdout' || name === 'stderr') return '';
      if (name === 'http_code' || name === 'response_code') return String(known[name]).padStart(3, '0');
      if (Object.hasOwn(known, name)) return String(known[name] ?? '');
      err(`curl: unknown --write-out variable: '${name}'\n`);
      return '';
    },
  );
}
