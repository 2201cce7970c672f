import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kubeconfigYaml } from '#kube-api';
import { startTestCluster, type TestCluster } from '../support/kube-cluster/cluster.ts';
import { type Kubectl, kubectlPath, kubectlWith } from '../support/kube-cluster/kubectl.ts';

describe.skipIf(!kubectlPath)('the real kubectl acts for users', () => {
  let cluster: TestCluster;
  let admin: Kubectl;
  let bob: Kubectl;
  let stranger: Kubectl;

  beforeAll(async () => {
    cluster = await startTestCluster();
    const withToken = (token: string) =>
      kubectlWith(kubeconfigYaml({ name: 't', server: cluster.url, caPem: cluster.caPem, token }));
    [admin, bob, stranger] = [withToken('admin-token'), withToken('bob-token'), withToken('forged')];
  });
  afterAll(async () => {
    for (const kubectl of [admin, bob, stranger]) kubectl.dispose();
    await cluster.stop();
  });

  it('tells who it is', async () => {
    expect((await bob.run(['auth', 'whoami'])).out).toBe(
      'ATTRIBUTE   VALUE\nUsername    bob\nGroups      [developers system:authenticated]',
    );
    expect((await admin.run(['auth', 'whoami', '--as=alice', '--as-group=ops'])).out).toBe(
      'ATTRIBUTE   VALUE\nUsername    alice\nGroups      [ops system:authenticated]',
    );
  });

  it('is sent away with a token that proves nothing', async () => {
    expect(await stranger.run(['get', 'pods'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('You must be logged in to the server'),
    });
  });

  it('may do what roles grant, and is told what they do not', async () => {
    expect((await bob.run(['get', 'pods'])).err).toBe(
      'Error from server (Forbidden): pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "default"',
    );
    expect((await bob.run(['get', 'nodes'])).err).toBe(
      'Error from server (Forbidden): nodes is forbidden: User "bob" cannot list resource "nodes" in API group "" at the cluster scope',
    );
    expect(
      (await admin.run(['create', 'role', 'reader', '--verb=get,list', '--resource=pods,deployments.apps'])).out,
    ).toBe('role.rbac.authorization.k8s.io/reader created');
    expect((await admin.run(['create', 'rolebinding', 'readers', '--role=reader', '--group=developers'])).out).toBe(
      'rolebinding.rbac.authorization.k8s.io/readers created',
    );
    expect((await bob.run(['get', 'pods,deploy'])).err).toBe('No resources found in default namespace.');
    expect((await bob.run(['delete', 'pod', 'x'])).err).toBe(
      'Error from server (Forbidden): pods "x" is forbidden: User "bob" cannot delete resource "pods" in API group "" in the namespace "default"',
    );
    expect(await bob.run(['auth', 'can-i', 'list', 'pods'])).toMatchObject({ code: 0, out: 'yes' });
    expect(await bob.run(['auth', 'can-i', 'create', 'pods'])).toMatchObject({ code: 1, out: 'no' });
    expect((await bob.run(['auth', 'can-i', '--list'])).out).toMatch(/^pods +\[\] +\[\] +\[get list\]$/m);
  });

  it('impersonates only where that is granted', async () => {
    expect(await admin.run(['auth', 'can-i', 'create', 'pods', '--as=bob'])).toMatchObject({ code: 1, out: 'no' });
    expect((await bob.run(['get', 'pods', '--as=alice'])).err).toBe(
      'Error from server (Forbidden): users "alice" is forbidden: User "bob" cannot impersonate resource "users" in API group "" at the cluster scope',
    );
  });

  it('uses the roles that every cluster has', async () => {
    await admin.run(['create', 'clusterrolebinding', 'viewers', '--clusterrole=view', '--user=carol']);
    const asCarol = (...words: string[]) => admin.run([...words, '--as=carol']);
    expect(await asCarol('auth', 'can-i', 'get', 'virtualservices.networking.istio.io')).toMatchObject({
      code: 0,
      out: 'yes',
    });
    expect(await asCarol('auth', 'can-i', 'get', 'secrets')).toMatchObject({ code: 1, out: 'no' });
    expect((await asCarol('get', 'vs', '-A')).err).toBe('No resources found');
  });
});
