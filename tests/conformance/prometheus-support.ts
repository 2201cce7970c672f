import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';

/** The program of a real Prometheus; undefined where there is none, and that is said. */
export function findPrometheus(): string | undefined {
  try {
    execFileSync('prometheus', ['--version'], { stdio: 'ignore' });
    return 'prometheus';
  } catch {
    console.log('prometheus is not on PATH: what needs a real Prometheus is skipped');
    return undefined;
  }
}

/** A port that nobody uses at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
