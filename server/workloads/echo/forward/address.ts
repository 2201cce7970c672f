/** Where a URL leads that has no path of its own: `tcp://echo:9090`. */
export function hostAndPort(url: string, fallback?: number): { readonly host: string; readonly port: number } {
  const address = url.replace(/^[^:]+:\/\//, '').replace(/\/.*$/s, '');
  const [, host = address, port] = /^(.*?)(?::(\d+))?$/s.exec(address) ?? [];
  const number = port === undefined ? fallback : Number(port);
  if (host === '' || number === undefined) throw new Error(`dial tcp: address ${address}: missing port in address`);
  return { host, port: number };
}
