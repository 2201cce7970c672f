import { expect, it } from 'vitest';
import { startServer } from './server.ts';

const server = startServer();
const pods = '/api/v1/namespaces/default/pods';
const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets';

async function running(name: string, app: string, phase = 'Running'): Promise<void> {
  const spec = { nodeName: 'one', containers: [{ name: 'app', image: 'x' }] };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app } }, spec };
  await server.call('POST', pods, pod);
  const conditions = [{ type: 'Ready', status: 'True' }];
  await server.call('PUT', `${pods}/${name}/status`, { ...pod, status: { phase, conditions } });
}

async function budget(name: string, app: string, counted: object): Promise<void> {
  const spec = { minAvailable: 2, selector: { matchLabels: { app } } };
  const made = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name }, spec };
  await server.call('POST', budgets, made);
  await server.call('PUT', `${budgets}/${name}/status`, { ...made, status: counted });
}

const evict = (name: string, deleteOptions?: object) =>
  server.call('POST', `${pods}/${name}/eviction`, {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name, namespace: 'default' },
    ...(deleteOptions && { deleteOptions }),
  });
const count = { expectedPods: 2, desiredHealthy: 2, currentHealthy: 2, observedGeneration: 1 };

it('lets a pod go that no budget holds, with the time that the client leaves it', async () => {
  await running('free', 'free');
  expect((await evict('free', { gracePeriodSeconds: 7 })).status).toBe(201);
  expect((await server.call('GET', `${pods}/free`)).body.metadata).toMatchObject({ deletionGracePeriodSeconds: 7 });
});

it('refuses with 429 and what the budget needs, and lets a pod go that serves nobody yet', async () => {
  await running('held', 'held');
  await running('pending', 'held', 'Pending');
  await budget('tight', 'held', { ...count, disruptionsAllowed: 0 });
  expect(await evict('held')).toMatchObject({
    status: 429,
    body: {
      reason: 'TooManyRequests',
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
      details: {
        causes: [
          {
            reason: 'DisruptionBudget',
            message: 'The disruption budget tight needs 2 healthy pods and has 2 currently',
          },
        ],
      },
    },
  });
  expect((await server.call('GET', `${pods}/held`)).body.metadata.deletionTimestamp).toBeUndefined();
  expect((await evict('pending')).status).toBe(201);
});

it('takes each eviction from the budget before the pod has gone', async () => {
  await running('first', 'pair');
  await running('second', 'pair');
  await budget('loose', 'pair', { ...count, expectedPods: 3, currentHealthy: 3, disruptionsAllowed: 1 });
  expect((await evict('first')).status).toBe(201);
  expect((await evict('second')).status).toBe(429);
  const { status } = (await server.call('GET', `${budgets}/loose`)).body;
  expect(status).toMatchObject({ disruptionsAllowed: 0, disruptedPods: { first: expect.any(String) } });
});

it('waits for a budget that was not counted yet, and does not choose between two', async () => {
  await running('new', 'new');
  await budget('uncounted', 'new', { ...count, observedGeneration: 0, disruptionsAllowed: 1 });
  expect(await evict('new')).toMatchObject({ status: 429, body: { details: { retryAfterSeconds: 10 } } });
  await budget('second', 'new', { ...count, disruptionsAllowed: 1 });
  expect(await evict('new')).toMatchObject({
    status: 500,
    body: {
      message: 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    },
  });
});
