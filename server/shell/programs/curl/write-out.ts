import type { FetchResponse } from '#workloads';

/** What `-w` can tell of a transfer. */
export interface Transfer {
  readonly url: string;
  readonly method: string;
  readonly response: FetchResponse | undefined;
  readonly seconds: number;
  readonly redirects: number;
  readonly uploaded: number;
  readonly exitCode: number;
  readonly error: string;
  readonly file: string;
  /** Of the URLs of the command, from 0. */
  readonly number: number;
}

/** Phases of a transfer that are not measured here one by one. */
const UNMEASURED = new Set([
  ...['time_namelookup', 'time_connect', 'time_appconnect', 'time_pretransfer', 'time_starttransfer', 'time_redirect'],
  ...['speed_download', 'speed_upload', 'local_ip', 'local_port', 'ssl_verify_result', 'size_header', 'size_request'],
]);

function values(transfer: Transfer): Readonly<Record<string, string | number | undefined>> {
  const { response, url, number } = transfer;
  const target = new URL(url);
  const port = Number(target.port || (target.protocol === 'https:' ? 443 : 80));
  const { location } = response?.headers ?? {};
  const redirect = response !== undefined && response.status >= 300 && response.status < 400 ? location : undefined;
  const isAddress = /^[\d.]+$/.test(target.hostname);
  return {
    content_type: response?.headers['content-type'],
    errormsg: transfer.error || undefined,
    exitcode: transfer.exitCode,
    filename_effective: transfer.file || undefined,
    http_code: response?.status ?? 0,
    http_version: response === undefined ? '0' : '1.1',
    method: transfer.method,
    num_headers: Object.keys(response?.headers ?? {}).length,
    num_redirects: transfer.redirects,
    redirect_url: redirect === undefined ? undefined : new URL(redirect, url).href,
    referer: undefined,
    remote_ip: response !== undefined && isAddress ? target.hostname : undefined,
    remote_port: response === undefined ? 0 : port,
    response_code: response?.status ?? 0,
    scheme: target.protocol.slice(0, -1).toUpperCase(),
    size_download: response?.body.length ?? 0,
    size_upload: transfer.uploaded,
    time_total: transfer.seconds.toFixed(6),
    url,
    url_effective: url,
    urlnum: number,
  };
}

/** The text of `-w`; unknown names and phases that are not measured are told on the error stream. Source: curl's manual, --write-out. */
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
      err(
        UNMEASURED.has(name)
          ? `curl: %{${name}} is not measured here; time_total is\n`
          : `curl: unknown --write-out variable: '${name}'\n`,
      );
      return '';
    },
  );
}
