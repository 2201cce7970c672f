import { expect, it } from 'vitest';
import { dispatch } from '#api/session';
import { loadLab } from '#labs';
import { root, runLab } from '../support/lab-runner.ts';

/** What tells each fault: a text in the one line of log that a round shows, or that nothing is flagged there. */
const telling: Readonly<Record<string, RegExp>> = {
  'app-fails': /" 500 - via_upstream/,
  'app-slow': /" 200 - via_upstream/,
  'full-pool': /" 503 UO /,
  abort: /" 503 FI /,
  refused: /" 403 - rbac_access_denied/,
  'no-subset': /" 503 NC cluster_not_found/,
  'no-route': /" 404 NR route_not_found/,
  'dead-address': /" 503 URX,UF .*Network_is_unreachable/,
};

it('every round is a run that shows its fault, and only the right part is right', async () => {
  const running = await runLab('blame-game');
  try {
    const rounds = loadLab(root, 'blame-game').spec.blame?.rounds ?? [];
    const seen = new Set<string>();
    for (let count = 0; count < rounds.length; count++) {
      const round = await dispatch(running.session, 'blame.next', {});
      const first = await dispatch(running.session, 'blame.answer', { number: round.number, part: 'nothing' });
      const own = rounds.find(({ tell }) => tell === first.why);
      expect(first.right).toBe(false);
      expect(round.log.line, own?.id).toMatch(telling[own?.id ?? ''] ?? /never/);
      expect(round.spans.length, own?.id).toBeGreaterThan(1);
      expect(round.edges.length, own?.id).toBeGreaterThan(0);
      for (const part of round.parts) {
        const said = await dispatch(running.session, 'blame.answer', { number: round.number, part });
        expect(said.right).toBe(part === own?.part);
      }
      seen.add(own?.id ?? '');
    }
    expect([...seen].sort()).toEqual(Object.keys(telling).sort());
  } finally {
    await running.stop();
  }
}, 120_000);
