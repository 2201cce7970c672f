import { describe, expect, it } from 'vitest';
import { turns } from './harness.ts';
import { createShop } from './shop.ts';

const run = async (...lines: string[]) => (await createShop()).run(...lines);

describe('kubectl create, run and expose', () => {
  it('makes a deployment, a pod and a service, once', async () => {
    const shop = await createShop();
    const { out } = await shop.run(
      'kubectl create deployment web --image=registry.example/nginx:1 --replicas=2 --port=80',
      'kubectl expose deployment web --port=80 --target-port=http',
      'kubectl run tmp --image=busybox --env=A=b --labels=app=tmp -- sleep 5',
      'kubectl create service clusterip api --tcp=80:8080 -n shop',
    );
    expect(out).toBe('deployment.apps/web created\nservice/web exposed\npod/tmp created\nservice/api created\n');
    const { store } = shop.sandbox;
    expect(store.get('Deployment', { namespace: 'default', name: 'web' })?.spec).toMatchObject({
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'nginx', image: 'registry.example/nginx:1', ports: [{ containerPort: 80 }] }] },
      },
    });
    expect(store.get('Service', { namespace: 'default', name: 'web' })?.spec).toMatchObject({
      ports: [{ port: 80, protocol: 'TCP', targetPort: 'http' }],
      selector: { app: 'web' },
    });
    expect(store.get('Pod', { namespace: 'default', name: 'tmp' })).toMatchObject({
      metadata: { labels: { app: 'tmp' } },
      spec: { containers: [{ args: ['sleep', '5'], env: [{ name: 'A', value: 'b' }] }] },
    });
    expect(store.get('Service', { namespace: 'shop', name: 'api' })?.spec).toMatchObject({
      ports: [{ name: '80-8080', port: 80, targetPort: 8080 }],
    });
    expect(await shop.run('kubectl create deployment web --image=nginx')).toMatchObject({
      err: 'Error from server (AlreadyExists): deployments.apps "web" already exists\n',
      code: 1,
    });
    expect(shop.changes.slice(0, 2)).toEqual(['kubectl create deployment web', 'kubectl expose deployment web']);
  });

  it('prints what it would make as kubectl 1.32 does, and apply takes that', async () => {
    const shop = await createShop();
    const { out } = await shop.run('kubectl create deployment web --image=nginx --dry-run=client -o yaml');
    expect(out).toBe(
      [
        'apiVersion: apps/v1',
        'kind: Deployment',
        'metadata:',
        '  creationTimestamp: null',
        '  labels:',
        '    app: web',
        '  name: web',
        'spec:',
        '  replicas: 1',
        '  selector:',
        '    matchLabels:',
        '      app: web',
        '  strategy: {}',
        '  template:',
        '    metadata:',
        '      creationTimestamp: null',
        '      labels:',
        '        app: web',
        '    spec:',
        '      containers:',
        '      - image: nginx',
        '        name: nginx',
        '        resources: {}',
        'status: {}',
        '',
      ].join('\n'),
    );
    expect(shop.changes).toEqual([]);
    const piped = await shop.run(
      'kubectl create deployment web --image=nginx --dry-run=client -o yaml | kubectl apply -f -',
    );
    expect(piped.out).toBe('deployment.apps/web created\n');
  });

  it.each([
    ['kubectl create deployment web', 'error: required flag(s) "image" not set'],
    ['kubectl create service clusterip web', 'error: at least one tcp port specifier must be provided'],
    ['kubectl run tmp --image=busybox -it --rm -- sh', 'error: this terminal attaches to no pod.'],
    ['kubectl expose deploy cart', "error: couldn't find port via --port flag or introspection"],
    ['kubectl expose vs reviews --port=80', 'error: cannot expose a VirtualService.networking.istio.io'],
  ])('refuses %s and says why', async (line, why) => {
    const { err, code } = await run(line);
    expect(err).toContain(why);
    expect(code).toBe(1);
  });
});

describe('kubectl set', () => {
  it('sets, lists and removes variables of the containers', async () => {
    const shop = await createShop();
    expect((await shop.run('kubectl set env deploy/cart CACHE=on MODE=x')).out).toBe(
      'deployment.apps/cart env updated\n',
    );
    expect((await shop.run('kubectl set env deploy/cart --list')).out).toBe(
      '# Deployment cart, container app\nCACHE=on\nMODE=x\n',
    );
    // Nothing changes, so nothing is said.
    expect((await shop.run('kubectl set env deploy/cart CACHE=on')).out).toBe('');
    await shop.run('kubectl set env deploy cart CACHE- -c app');
    expect((await shop.run('kubectl set env deploy/cart --list')).out).toBe(
      '# Deployment cart, container app\nMODE=x\n',
    );
    expect((await shop.run('kubectl set env deploy/cart A=b -c nobody')).err).toContain('no containers match "nobody"');
    expect(shop.changes).toEqual(['kubectl set env cart', 'kubectl set env cart']);
  });

  it('sets images by container', async () => {
    const shop = await createShop();
    expect((await shop.run('kubectl set image deploy/cart app=example/cart:2')).out).toBe(
      'deployment.apps/cart image updated\n',
    );
    const { spec } = shop.sandbox.store.get('Deployment', { namespace: 'default', name: 'cart' }) ?? {};
    expect(spec).toMatchObject({ template: { spec: { containers: [{ image: 'example/cart:2' }] } } });
    expect((await shop.run('kubectl set image deploy/cart db=x')).err).toBe(
      'error: unable to find container named "db"\n',
    );
  });
});

describe('kubectl rollout', () => {
  const withHistory = async () => {
    const shop = await createShop();
    const revision = (number: number, image: string) => ({
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: {
        name: `cart-${number}`,
        annotations: { 'deployment.kubernetes.io/revision': String(number) },
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'cart', uid: '1', controller: true }],
      },
      spec: {
        selector: { matchLabels: { app: 'cart' } },
        template: {
          metadata: { labels: { app: 'cart', 'pod-template-hash': `h${number}` } },
          spec: { containers: [{ name: 'app', image }] },
        },
      },
    });
    for (const object of [revision(1, 'example/cart:0'), revision(2, 'example/cart:1')])
      shop.sandbox.store.create(object, { changeId: 'test' });
    return shop;
  };

  it('tells the history and goes back to an earlier template', async () => {
    const shop = await withHistory();
    expect((await shop.run('kubectl rollout history deploy/cart')).out).toBe(
      'deployment.apps/cart \nREVISION  CHANGE-CAUSE\n1         <none>\n2         <none>\n\n',
    );
    expect((await shop.run('kubectl rollout history deploy/cart --revision=1')).out).toContain(
      'Image:\texample/cart:0',
    );
    expect((await shop.run('kubectl rollout undo deploy/cart')).out).toBe('deployment.apps/cart rolled back\n');
    const { spec } = shop.sandbox.store.get('Deployment', { namespace: 'default', name: 'cart' }) ?? {};
    expect(spec).toMatchObject({
      template: { metadata: { labels: { app: 'cart' } }, spec: { containers: [{ image: 'example/cart:0' }] } },
    });
    expect((await shop.run('kubectl rollout undo deploy/cart --to-revision=1')).out).toBe(
      'deployment.apps/cart skipped rollback (current template already matches revision 1)\n',
    );
    expect((await shop.run('kubectl rollout undo deploy/cart --to-revision=9')).err).toBe(
      'error: unable to find specified revision 9 in history\n',
    );
  });

  it('pauses and resumes', async () => {
    const shop = await createShop();
    const { out } = await shop.run('kubectl rollout pause deploy/cart', 'kubectl rollout resume deploy/cart');
    expect(out).toBe('deployment.apps/cart paused\ndeployment.apps/cart resumed\n');
    expect((await shop.run('kubectl rollout resume deploy/cart')).err).toBe(
      'error: deployments.apps "cart" is not paused\n',
    );
    expect((await shop.run('kubectl rollout pause deploy/cart; kubectl rollout restart deploy/cart')).err).toContain(
      "can't restart paused deployment",
    );
  });
});

describe('kubectl wait, config and the cluster', () => {
  it('waits for a field, and says what did not come', async () => {
    const shop = await createShop();
    expect((await shop.run("kubectl wait --for=jsonpath='{.metadata.name}'=cart deploy/cart")).out).toBe(
      'deployment.apps/cart condition met\n',
    );
    const waiting = shop.start('kubectl wait --for=condition=available deploy/cart --timeout=5s');
    await turns();
    await shop.sandbox.clock.run(6000);
    expect(await waiting.done).toMatchObject({
      err: 'error: timed out waiting for the condition on deployments/cart\n',
      code: 1,
    });
    expect((await shop.run('kubectl wait --for=condition=ready pod/nobody')).err).toBe(
      'Error from server (NotFound): pods "nobody" not found\n',
    );
    expect(await shop.run('kubectl wait --for=delete pod/nobody')).toMatchObject({ out: '', code: 0 });
  });

  it('keeps the namespace of the context for all that follows', async () => {
    const shop = await createShop();
    const { out, err } = await shop.run('kubectl config set-context --current --namespace=shop', 'kubectl get pods');
    expect([out, err]).toEqual(['Context "meshwork" modified.\n', 'No resources found in shop namespace.\n']);
    expect((await shop.run('kubectl config get-contexts')).out).toContain('shop');
    expect((await shop.run('kubectl get svc cart -n default')).code).toBe(0);
  });

  it('gives labels columns of their own', async () => {
    const { out } = await run('kubectl get pods -l app=cart -L app,tier --no-headers | head -1');
    expect(out).toMatch(/^cart-1 .* cart\s*$/);
    expect((await run('kubectl get pods -L app')).out.split('\n')[0]).toMatch(/AGE +APP$/);
  });

  it.each([
    ['kubectl top pods', 'error: Metrics API not available\n'],
    ['kubectl edit deploy cart', 'error: kubectl edit: there is no editor inside this terminal.'],
    ['kubectl port-forward svc/cart 8080:80 --address 0.0.0.0', 'error: kubectl port-forward: no port of your machine'],
  ])('answers %s with a sentence', async (line, text) => {
    const { err, code } = await run(line);
    expect(err).toContain(text);
    expect(code).toBe(1);
  });
});
