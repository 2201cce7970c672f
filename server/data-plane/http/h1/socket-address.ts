/** `ip:port` as access logs show it, IPv6 in brackets; empty when the socket has no address any more. */
export function formatEndpoint(ip: string | undefined, port: number | undefined): string {
  if (ip === undefined || port === undefined) return '';
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}
