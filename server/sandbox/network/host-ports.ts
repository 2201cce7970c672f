import { readFileSync } from 'node:fs';

const USUAL_FIRST_PORT = 1024;
const SHIFT = 20_000;

/** The first port that any user may open; Linux tells it, elsewhere there may be no limit at all. */
function firstOpenPort(): number {
  if (process.platform === 'win32' || process.getuid?.() === 0) return 0;
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
  } catch {
    // Not Linux, or a process that may not read there.
    return USUAL_FIRST_PORT;
  }
}

const first = firstOpenPort();

/**
 * The port of this machine that stands for a port of the sandbox: itself, or where only root could open it, one that everybody can (80 is
 * 20080). Inside the sandbox nobody notices; clients outside are told the real one.
 */
export const hostPort = (port: number): number => (port > 0 && port < first ? port + SHIFT : port);
