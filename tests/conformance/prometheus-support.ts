import { execFileSync } from 'node:child_process';

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
