import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dispatch } from '#api/session';
import { type RunningLab, runLab } from '../support/lab-runner.ts';
import { reviewsRules } from '../support/reviews-rules.ts';

const rule = (first: number): string =>
  reviewsRules(`    - name: guests
      match:
        - uri: { prefix: /guests }
          headers: { end-user: { exact: anne } }
          method: { exact: POST }
      route:
        - destination: { host: reviews, subset: v1 }
    - name: testers
      match:
        - uri: { prefix: /reviews }
          headers: { end-user: { exact: jason } }
      route:
        - destination: { host: reviews, subset: v2 }
    - name: everyone
      route:
        - destination: { host: reviews, subset: v1 }
          weight: ${first}
        - destination: { host: reviews, subset: v2 }
          weight: ${100 - first}
`);

describe('what unsaved text would do', () => {
  let lab: RunningLab;
  beforeAll(async () => {
    lab = await runLab('canary');
  });
  afterAll(() => lab.stop());

  const from = (): string => {
    const pod = lab.session.sandbox.pods.find(({ name }) => name.startsWith('frontend'))!;
    return `${pod.namespace}/${pod.name}`;
  };
  const attempt = (text: string, headers: [string, string][] = []) =>
    dispatch(lab.session, 'route.try', {
      files: [{ file: 'reviews.yaml', text }],
      from: from(),
      method: 'GET',
      url: 'http://reviews:8080/reviews/0',
      headers,
    });

  it('a route that only the unsaved text has takes the request; the mesh is not touched and nothing is recorded', async () => {
    lab.session.traffic.set('readers', false);
    await lab.session.traffic.batch('readers', 1, {});
    const before = lab.session.sandbox.hops.requests(1000).length;
    const view = await attempt(rule(100), [['end-user', 'jason']]);
    expect(view).toMatchObject({ status: 200, reaches: 'reviews v2', verdict: 'It would reach reviews v2.' });
    expect(view.rows.map(({ name, result, held, conditions }) => [name, result, held, conditions])).toEqual([
      ['guests', 'rejected', 0, 3],
      ['testers', 'chosen', undefined, undefined],
      ['everyone', 'not reached', undefined, undefined],
    ]);
    expect(view.rows[1]?.location).toMatchObject({ file: 'reviews.yaml', line: 25 });
    expect(lab.session.sandbox.store.get('VirtualService', { namespace: 'default', name: 'reviews' })).toBeUndefined();
    expect(lab.session.sandbox.hops.requests(1000)).toHaveLength(before);
  });

  it('the closest miss is the route of which most conditions hold, in words', async () => {
    const view = await attempt(rule(100), [['end-user', 'anne']]);
    expect(view.reaches).toBe('reviews v1');
    expect(view.closest).toBe(
      'testers, 1 of 2 conditions hold: it needs header end-user to be exactly "jason", the request has "anne"',
    );
  });

  it('text that routes to a subset that nobody defines answers 503, as the mesh would', async () => {
    const view = await attempt(rule(0).replaceAll('subset: v2', 'subset: v9'));
    expect(view).toMatchObject({ status: 503, flags: ['NC'], reaches: '' });
    expect(view.inForce).toMatchObject({ status: 200, same: false });
  });

  it('text that is not YAML is told, and the rest of the mesh still answers', async () => {
    const view = await attempt('kind: [');
    expect(view.notes[0]).toMatch(/^reviews\.yaml:\d+: /);
    expect(view.status).toBe(200);
  });

  it('a pod that is not there, and a URL that is none, are refused in words', async () => {
    const call = { files: [], method: 'GET', headers: [] };
    await expect(dispatch(lab.session, 'route.try', { ...call, from: 'default/x', url: 'http://a/' })).rejects.toThrow(
      'There is no pod default/x.',
    );
    await expect(dispatch(lab.session, 'route.try', { ...call, from: from(), url: 'http://[' })).rejects.toThrow(
      'is no URL',
    );
  });

  it('a preview tells objects, proxies, hosts, and which of the newest requests would go elsewhere', async () => {
    await lab.apply([{ file: 'reviews.yaml', text: rule(100) }]);
    await lab.session.traffic.batch('readers', 20, {});
    const preview = await dispatch(lab.session, 'yaml.preview', { files: [{ file: 'reviews.yaml', text: rule(0) }] });
    expect(preview.objects.map(({ kind, outcome }) => [kind, outcome])).toEqual([
      ['DestinationRule', 'unchanged'],
      ['VirtualService', 'configured'],
    ]);
    expect(preview.hosts).toEqual(['reviews.default.svc.cluster.local']);
    expect(preview.proxies).toHaveLength(preview.outOf);
    expect(new Set(preview.proxies.flatMap(({ changes }) => changes.map(({ type }) => type)))).toEqual(
      new Set(['RDS']),
    );
    // A slow machine does fewer in the time of a preview, and says how many.
    const { replayed, notes } = preview;
    expect(replayed >= 20 || notes.some((note) => note.startsWith(`Time was up after ${replayed} of `))).toBe(true);
    expect(preview.elsewhere).toContainEqual(
      expect.objectContaining({ from: 'frontend v1', before: 'reviews v1', after: 'reviews v2' }),
    );
  });

  it('a preview of what is in force is empty', async () => {
    const preview = await dispatch(lab.session, 'yaml.preview', { files: [{ file: 'reviews.yaml', text: rule(100) }] });
    expect(preview).toMatchObject({ proxies: [], hosts: [], replayed: 0, elsewhere: [] });
    expect(preview.objects.every(({ outcome }) => outcome === 'unchanged')).toBe(true);
  });

  it('the lines that decided are counted since the last push, each with its requests', async () => {
    await lab.apply([{ file: 'reviews.yaml', text: `${rule(100)}# again\n` }]);
    await lab.apply([{ file: 'reviews.yaml', text: rule(0) }]);
    await lab.session.traffic.batch('readers', 5, {});
    const { lines, looked, sincePush } = await dispatch(lab.session, 'lines.caught', {});
    expect(looked).toBe(5);
    expect(sincePush).toBe(lab.session.applies.pushes().at(-1)?.number);
    const everyone = lines.find(({ file, line }) => file === 'reviews.yaml' && line === 29);
    expect(everyone).toMatchObject({ caught: 5, stopped: 0 });
    expect(everyone?.requests).toHaveLength(5);
  });

  describe('the closest way of a request that was sent', () => {
    const sendUnder = async (text: string, headers: Record<string, string> = {}) => {
      await lab.apply([{ file: 'reviews.yaml', text }]);
      const { id, status, flags } = await dispatch(lab.session, 'request.send', { headers });
      const { closest } = await dispatch(lab.session, 'request.explain', { request: id });
      return { answer: [status, ...flags].join(' '), closest };
    };

    it('is the route that was passed over by the fewest conditions, though the request was answered', async () => {
      expect(await sendUnder(rule(100), { 'end-user': 'anne' })).toEqual({
        answer: '200',
        closest:
          'testers, 1 of 2 conditions hold: it needs header end-user to be exactly "jason", the request has "anne"',
      });
    });

    it('is that route too where none takes the request', async () => {
      const withoutRest = rule(100).replace(/ {4}- name: everyone[\s\S]*/, '');
      expect(await sendUnder(withoutRest, { 'end-user': 'anne' })).toEqual({
        answer: '404 NR',
        closest:
          'testers, 1 of 2 conditions hold: it needs header end-user to be exactly "jason", the request has "anne"',
      });
    });

    it('is the rule that is missing where the route names a subset that nobody defines', async () => {
      expect(await sendUnder(rule(0).replaceAll('subset: v2', 'subset: v9'))).toEqual({
        answer: '503 NC',
        closest: 'a DestinationRule for reviews.default.svc.cluster.local that defines subset v9',
      });
    });

    it('is nothing where the only route took the request', async () => {
      expect(await sendUnder(rule(100).replace(/ {4}- name: guests[\s\S]*(?= {4}- name: everyone)/, ''))).toEqual({
        answer: '200',
        closest: undefined,
      });
    });
  });

  it('format lays out YAML anew, keeps comments, and refuses what is none with its line', async () => {
    const untidy = '# why\nkind:   Service\nspec:\n    ports:\n    - port:   80 # web\n---\nkind: Pod\n';
    const { text } = await dispatch(lab.session, 'yaml.format', { text: untidy });
    expect(text).toBe('# why\nkind: Service\nspec:\n  ports:\n    - port: 80 # web\n---\nkind: Pod\n');
    expect((await dispatch(lab.session, 'yaml.format', { text })).text).toBe(text);
    await expect(dispatch(lab.session, 'yaml.format', { text: 'a: 1\nb: [' })).rejects.toThrow(/^Line \d is not YAML/);
  });
});
