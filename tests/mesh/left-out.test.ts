import { afterAll, beforeAll, expect, it } from 'vitest';
import { dispatch } from '#api/session';
import { type RunningLab, runLab } from '../support/lab-runner.ts';
import { reviewsRules, sharedReviews } from '../support/reviews-rules.ts';

let lab: RunningLab;
beforeAll(async () => {
  lab = await runLab('canary');
});
afterAll(() => lab.stop());

const apply = (text: string) => lab.apply([{ file: 'reviews.yaml', text }]);

it('a request’s explanation names the rules that its proxy never had, also after they have gone', async () => {
  await apply(
    reviewsRules(`    - name: testers
      match: [{ sourceLabels: { app: tester } }]
      route: [{ destination: { host: reviews, subset: v2 } }]
    - route: [{ destination: { host: reviews, subset: v1 } }]
`),
  );
  const first = await dispatch(lab.session, 'request.send', {});
  const told = async (request: string) =>
    (await dispatch(lab.session, 'request.explain', { request })).hops[0]?.leftOut;
  const missed = {
    name: 'http[0] "testers" of VirtualService default/reviews',
    reason: expect.stringMatching(/^needs source label app: tester, this proxy has app: /),
  };
  const inForce = await told(first.id);
  expect(inForce).toEqual([{ ...missed, location: expect.objectContaining({ file: 'reviews.yaml', line: 17 }) }]);
  await apply(sharedReviews(100));
  expect(await told(first.id)).toEqual([expect.objectContaining(missed)]);
  const second = await dispatch(lab.session, 'request.send', {});
  expect(await told(second.id)).toBeUndefined();
});
