import { describe, expect, it } from 'vitest';
import { turns } from './harness.ts';
import { createShop } from './shop.ts';

const run = async (...lines: string[]) => (await createShop()).run(...lines);

describe('kubectl label and annotate', () => {
  it('labels, keeps, refuses, overwrites and removes', async () => {
    const shop = await createShop();
    const label = async (rest: string) => {
      const { out, err, code } = await shop.run(`kubectl label namespace default ${rest}`);
      return [out + err, code];
    };
    expect(await label('istio-injection=enabled')).toEqual(['namespace/default labeled\n', 0]);
    expect(await label('istio-injection=enabled')).toEqual(['namespace/default not labeled\n', 0]);
    expect(await label('istio-injection=disabled')).toEqual([
      "error: 'istio-injection' already has a value (enabled), and --overwrite is false\n",
      1,
    ]);
    expect(await label('istio-injection=disabled --overwrite')).toEqual(['namespace/default labeled\n', 0]);
    expect(await label('istio-injection-')).toEqual(['namespace/default unlabeled\n', 0]);
    expect(await label('istio-injection-')).toEqual([
      'label "istio-injection" not found.\nnamespace/default not labeled\n',
      0,
    ]);
    expect(await label('')).toEqual(['error: at least one label update is required\n', 1]);
    expect(shop.changes).toHaveLength(3);
  });

  it('labels all that a selector chooses', async () => {
    expect((await run('kubectl label pods -l app=cart tier=web')).out).toBe('pod/cart-1 labeled\npod/cart-2 labeled\n');
    expect((await run('kubectl label pods tier=web')).err).toBe(
      'error: resource(s) were provided, but no name was specified\n',
    );
  });

  it('tells an invalid label as the API server does', async () => {
    expect((await run('kubectl label ns default a=b/c')).err).toMatch(
      /^The Namespace "default" is invalid: metadata\.labels: /,
    );
  });

  it('annotates', async () => {
    expect(await run('kubectl annotate svc cart note="a b" -n default')).toMatchObject({
      out: 'service/cart annotated\n',
      code: 0,
    });
    expect((await run('kubectl annotate svc cart a=1', 'kubectl annotate svc cart a=2')).err).toBe(
      "error: --overwrite is false but found the following declared annotation(s): 'a' already has a value (1)\n",
    );
  });
});

describe('kubectl scale', () => {
  it('writes replicas', async () => {
    const shop = await createShop();
    expect(await shop.run('kubectl scale deploy/cart --replicas=3')).toMatchObject({
      out: 'deployment.apps/cart scaled\n',
      code: 0,
    });
    expect((await shop.run("kubectl get deploy cart -o jsonpath='{.spec.replicas}'")).out).toBe('3');
    expect(shop.changes).toEqual(['kubectl scale cart --replicas=3']);
  });

  it.each([
    ['kubectl scale deploy/cart', 'error: required flag(s) "replicas" not set'],
    [
      'kubectl scale deploy/cart --replicas=-1',
      'error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0',
    ],
    ['kubectl scale deploy/cart --replicas abc', 'Error: invalid argument "abc" for "--replicas" flag'],
    ['kubectl scale deploy/nope --replicas=1', 'Error from server (NotFound): deployments.apps "nope" not found'],
    [
      'kubectl scale pod/cart-1 --replicas=1',
      'Error from server (NotFound): the server could not find the requested resource',
    ],
  ])('refuses %s', async (line, text) => {
    const { err, code } = await run(line);
    expect(err).toContain(text);
    expect(code).toBe(1);
  });
});

describe('kubectl patch', () => {
  it('merges lists of containers item by item where the kind is built in', async () => {
    const shop = await createShop();
    const { out } = await shop.run(
      `kubectl patch deploy cart -p '{"spec":{"template":{"spec":{"containers":[{"name":"app","env":[{"name":"CACHE","value":"on"}]}]}}}}'`,
    );
    expect(out).toBe('deployment.apps/cart patched\n');
    const path =
      "-o jsonpath='{.spec.template.spec.containers[0].image} {.spec.template.spec.containers[0].env[0].value}'";
    expect((await shop.run(`kubectl get deploy cart ${path}`)).out).toBe('example/cart:1 on');
  });

  it('wants --type=merge for the kinds of Istio', async () => {
    const body = `-p '{"spec":{"hosts":["reviews","other"]}}'`;
    expect((await run(`kubectl patch vs reviews ${body}`)).err).toMatch(
      /^Error from server \(UnsupportedMediaType\): /,
    );
    expect((await run(`kubectl patch vs reviews --type=merge ${body}`)).out).toBe(
      'virtualservice.networking.istio.io/reviews patched\n',
    );
    expect((await run(`kubectl patch vs reviews --type merge -p 'spec: {}'`)).out).toContain('patched (no change)');
  });

  it.each([
    ['kubectl patch vs reviews', 'error: must specify --patch or --patch-file'],
    ["kubectl patch vs reviews -p '{'", 'error: unable to parse "{": '],
    ["kubectl patch vs reviews -p '[1]'", 'error: unable to parse "[1]": a patch of this type is an object'],
    ["kubectl patch vs reviews -p '{}' --type=frog", 'error: --type must be one of'],
  ])('refuses %s', async (line, text) => {
    const { err, code } = await run(line);
    expect(err).toContain(text);
    expect(code).toBe(1);
  });
});

describe('kubectl apply, create and delete', () => {
  it('applies a here-document typed over several lines', async () => {
    const shop = await createShop();
    const lines = [
      'kubectl apply -n shop -f - <<EOF',
      'apiVersion: v1',
      'kind: ConfigMap',
      'metadata: { name: notes }',
    ];
    for (const line of lines) expect((await shop.run(line)).more).toBe(true);
    expect(await shop.run('EOF')).toMatchObject({ out: 'configmap/notes created\n', code: 0 });
    expect((await shop.run('kubectl get cm notes -n shop -o name')).out).toBe('configmap/notes\n');
    expect(shop.changes).toEqual(['kubectl apply stdin']);
  });

  it('says what an apply did to each object', async () => {
    const shop = await createShop();
    const again = await shop.run('kubectl apply -f samples/reviews.yaml');
    expect(again.out).toBe('virtualservice.networking.istio.io/reviews unchanged\n');
    await shop.run('cp samples/reviews.yaml mine.yaml', 'echo "---" >> mine.yaml');
    expect((await shop.run('kubectl apply -f ~/mine.yaml,samples')).out).toBe(again.out + again.out);
  });

  it('stores nothing when a document is refused, and says where', async () => {
    const shop = await createShop();
    const { out, err, code } = await shop.run(
      'kubectl apply -f - <<EOF\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata:\n  name: x\nspec:\n  hots: [a]\nEOF',
    );
    expect(out).toBe('');
    expect(err).toMatch(/^Error \[\w+\] \(VirtualService (?:default\/)?x stdin:6\) .*hots/m);
    expect(code).toBe(1);
    expect((await shop.run('kubectl get vs x')).code).toBe(1);
  });

  it('creates only what is not there yet', async () => {
    expect((await run('kubectl create -f samples/reviews.yaml')).err).toBe(
      'Error from server (AlreadyExists): virtualservices.networking.istio.io "reviews" already exists\n',
    );
    expect((await run('kubectl create namespace foo')).out).toBe('namespace/foo created\n');
    expect((await run('kubectl create ns shop')).err).toBe(
      'Error from server (AlreadyExists): namespaces "shop" already exists\n',
    );
  });

  it('deletes by name, label, file and all', async () => {
    expect(await run('kubectl delete vs reviews')).toMatchObject({
      out: 'virtualservice.networking.istio.io "reviews" deleted\n',
      code: 0,
    });
    expect((await run('kubectl delete pod -l app=cart')).out).toBe('pod "cart-1" deleted\npod "cart-2" deleted\n');
    expect((await run('kubectl delete -f samples/reviews.yaml')).out).toBe(
      'virtualservice.networking.istio.io "reviews" deleted\n',
    );
    expect((await run('kubectl delete svc/cart deploy/cart')).out).toBe(
      'service "cart" deleted\ndeployment.apps "cart" deleted\n',
    );
    expect((await run('kubectl delete dr --all')).out).toBe('No resources found\n');
  });

  it('waits until what it deleted is gone, unless it is told not to or not for so long', async () => {
    const shop = await createShop();
    const finalizers = ['example.com/hold'];
    const vs = { namespace: 'default', name: 'reviews' };
    shop.sandbox.store.patch('VirtualService', vs, { metadata: { finalizers } }, { changeId: 'hold' });
    const said = 'virtualservice.networking.istio.io "reviews" deleted\n';
    expect(await shop.run('kubectl delete vs reviews --wait=false')).toMatchObject({ out: said, code: 0 });
    const short = shop.start('kubectl delete vs reviews --timeout=2s');
    await shop.sandbox.clock.run(3000);
    expect(await short.done).toMatchObject({
      out: said,
      err: 'error: timed out waiting for the condition on virtualservices/reviews\n',
      code: 1,
    });
    const waiting = shop.start('kubectl delete vs reviews; echo over');
    await shop.sandbox.clock.run(10);
    expect(waiting.out()).toBe(said);
    shop.sandbox.store.patch('VirtualService', vs, { metadata: { finalizers: null } }, { changeId: 'free' });
    shop.sandbox.poke();
    expect(await waiting.done).toMatchObject({ out: `${said}over\n`, code: 0 });
  });

  it('goes on after what is not there', async () => {
    const { out, err, code } = await run('kubectl delete pod nope cart-1');
    expect({ out, err, code }).toEqual({
      out: 'pod "cart-1" deleted\n',
      err: 'Error from server (NotFound): pods "nope" not found\n',
      code: 1,
    });
    expect(await run('kubectl delete pod nope --ignore-not-found')).toMatchObject({ err: '', code: 0 });
  });

  it.each([
    ['kubectl apply', 'error: must specify one of -f and -k'],
    ['kubectl apply foo', "error: Unexpected args: [foo]\nSee 'kubectl apply -h' for help and examples"],
    ['kubectl apply -f nope.yaml', 'error: the path "nope.yaml" does not exist'],
    ['kubectl apply -f https://x/y.yaml', 'error: unable to read URL "https://x/y.yaml"'],
    ['echo | kubectl apply -f -', 'error: no objects passed to apply'],
    ['kubectl create', 'error: must specify one of -f and -k'],
    ['kubectl create namespace', 'error: exactly one NAME is required, got 0'],
    ['kubectl create frog x', 'error: unknown command "frog x"'],
    ['kubectl delete', 'error: You must provide one or more resources by argument or filename.'],
    ['kubectl delete pod', 'error: resource(s) were provided, but no name was specified'],
    ['kubectl delete -f nope.yaml', 'error: the path "nope.yaml" does not exist'],
    ['echo "{" | kubectl delete -f -', 'error: error parsing YAML'],
  ])('refuses %s', async (line, text) => {
    const { err, code } = await run(line);
    expect(err).toContain(text);
    expect(code).toBe(1);
  });
});

describe('kubectl rollout', () => {
  it('restarts by an annotation of the pod template', async () => {
    const shop = await createShop();
    expect((await shop.run('kubectl rollout restart deployment')).err).toBe('');
    const path = "-o jsonpath='{.spec.template.metadata.annotations.kubectl\\.kubernetes\\.io/restartedAt}'";
    expect((await shop.run(`kubectl get deploy cart ${path}`)).out).toBe('2030-01-01T00:00:00.000Z');
  });

  it('waits until the new pods are ready', async () => {
    const shop = await createShop();
    const running = shop.start('kubectl rollout status deploy/cart');
    await turns();
    expect(running.out()).toBe('Waiting for deployment "cart" rollout to finish: spec update to be observed...\n');
    const address = { namespace: 'default', name: 'cart' };
    const status = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, availableReplicas: 0 };
    const write = { changeId: 'test' };
    shop.sandbox.store.updateStatus('Deployment', address, status, write);
    shop.sandbox.store.updateStatus('Deployment', address, { ...status, availableReplicas: 1 }, write);
    expect(await running.done).toMatchObject({ code: 0 });
    expect(running.out()).toContain(
      '0 of 1 updated replicas are available...\ndeployment "cart" successfully rolled out\n',
    );
  });

  it('gives up at its limit', async () => {
    const shop = await createShop();
    const running = shop.start('kubectl rollout status deploy/cart --timeout=5s');
    await turns();
    await shop.sandbox.clock.run(5000, 500);
    const { err, code } = await running.done;
    expect(err).toContain('error: timed out waiting for the condition');
    expect(code).toBe(1);
  });

  it.each([
    ['kubectl rollout foo', 'error: unknown command "foo"'],
    ['kubectl rollout restart', 'error: required resource not specified'],
    ['kubectl rollout status deploy/nope', 'Error from server (NotFound): deployments.apps "nope" not found'],
    ['kubectl rollout restart svc/cart', 'error: no restarter has been implemented for Service'],
  ])('refuses %s', async (line, text) => {
    const { err, code } = await run(line);
    expect(err).toContain(text);
    expect(code).toBe(1);
  });
});
