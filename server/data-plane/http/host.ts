/** What a connection manager does to the host of a request before anything looks at it. Fields are Envoy's own. */
export interface HostPolicy {
  readonly stripsDot: boolean;
  readonly stripsPort: 'any' | 'matching' | 'none';
  /** Nothing at all is to be done. */
  readonly keptAsIs: boolean;
}

interface HostFields {
  readonly strip_trailing_host_dot?: boolean;
  readonly strip_any_host_port?: boolean;
  readonly strip_matching_host_port?: boolean;
}

export function readHostPolicy(fields: HostFields): HostPolicy {
  const stripsDot = fields.strip_trailing_host_dot === true;
  const matching = fields.strip_matching_host_port === true ? 'matching' : 'none';
  const stripsPort = fields.strip_any_host_port === true ? 'any' : matching;
  return { stripsDot, stripsPort, keptAsIs: !stripsDot && stripsPort === 'none' };
}

/** The host as rules see it. What stands behind its last colon counts as a port when it is a number. Source: ENVOY: header_utility.cc. */
export function cleanHost(authority: string, { stripsDot, stripsPort }: HostPolicy, localPort: number): string {
  const [, host = authority, port] = /^(.*):(\d+)$/.exec(authority) ?? [];
  const name = stripsDot && host.endsWith('.') ? host.slice(0, -1) : host;
  if (port === undefined) return name;
  const dropped = stripsPort === 'any' || (stripsPort === 'matching' && Number(port) === localPort);
  return dropped ? name : `${name}:${port}`;
}
