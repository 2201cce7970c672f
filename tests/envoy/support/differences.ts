/** One thing that a real Envoy does and we do otherwise; `null` for what is absent. */
export interface Difference {
  /** `log.flags`, `headers.location`, `upstream.0.headers.te` */
  readonly at: string;
  readonly envoy: unknown;
  readonly ours: unknown;
}

/** Every leaf in which two exchanges differ, sorted by place. */
export function differences(envoy: object, ours: object): Difference[] {
  const left = leaves(envoy);
  const right = leaves(ours);
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((at) => left.get(at) !== right.get(at))
    .sort()
    .map((at) => ({ at, envoy: left.get(at) ?? null, ours: right.get(at) ?? null }));
}

function leaves(value: unknown, at = ''): Map<string, unknown> {
  if (typeof value !== 'object' || value === null) return new Map([[at, value]]);
  const prefix = at === '' ? '' : `${at}.`;
  return new Map(Object.entries(value).flatMap(([key, child]) => [...leaves(child, prefix + key)]));
}
