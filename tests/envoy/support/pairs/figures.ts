/** Values of counters and gauges by name. */
export type Figures = ReadonlyMap<string, number>;

/** What cannot be equal between two programs: bytes of headers that are one of a kind, what depends on their buffers or on time, and reports of spans. */
export const OWN =
  /\.collector\.|_bytes_total$|_buffered$|flow_control|length_ms$|rx_bytes|tx_bytes|warming_state|delayed_close_timeout|nghttp2_upstream|pending_send_bytes|outbound_(control_)?frames_active|_rtt_msecs$/;

export function readFigures(text: string): Figures {
  const figures = new Map<string, number>();
  for (const line of text.split('\n')) {
    const found = /^(.+): (\d+)$/.exec(line);
    if (found !== null) figures.set(found[1]!, Number(found[2]));
  }
  return figures;
}

/** What changed: name → by how much. */
export function changes(before: Figures, after: Figures): Record<string, number> {
  const found = [...after].flatMap(([name, value]): [string, number][] => {
    const by = value - (before.get(name) ?? 0);
    return by === 0 || OWN.test(name) ? [] : [[name, by]];
  });
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}
