import { describe, expect, it } from 'vitest';
import { turns } from './harness.ts';
import { createShop } from './shop.ts';

const run = async (line: string) => (await createShop()).run(line);

describe('kubectl get', () => {
  it('prints a table with three spaces between columns', async () => {
    const { out } = await run('kubectl get namespace');
    expect(out).toBe(
      'NAME          STATUS   AGE\ndefault       Active   0s\nkube-system   Active   0s\nshop          Active   0s\n',
    );
  });

  it.each([
    ['kubectl get pods -o name', 'pod/cart-1\npod/cart-2\npod/ratings-v1-abc\n'],
    ['kubectl get po cart-2 -oname', 'pod/cart-2\n'],
    ['kubectl get pod/cart-2 deploy/cart -o=name', 'pod/cart-2\ndeployment.apps/cart\n'],
    ['kubectl -n default get pods -l app=ratings -o name', 'pod/ratings-v1-abc\n'],
    ['kubectl get pods --selector=app!=cart --output name', 'pod/ratings-v1-abc\n'],
    ['kubectl get -l "app in (ratings,x)" -n=default pods -o name', 'pod/ratings-v1-abc\n'],
    ['kubectl get pods --field-selector metadata.name=cart-1 -o name', 'pod/cart-1\n'],
    ['kubectl --namespace default get vs -o name', 'virtualservice.networking.istio.io/reviews\n'],
    ['kubectl get pods -ndefault --no-headers -l app=ratings --show-labels | wc -l', '1\n'],
    [
      'kubectl get pods --sort-by=.metadata.name -o custom-columns=NAME:.metadata.name,APP:.metadata.labels.app | tail -1',
      'ratings-v1-abc   ratings\n',
    ],
  ])('%s', async (line, expected) => {
    expect(await run(line)).toEqual({ out: expected, err: '', code: 0, more: false });
  });

  it('prints several kinds with their kind before the name, parted by an empty line', async () => {
    for (const kinds of ['pods,svc', 'all']) {
      const { out } = await run(`kubectl get ${kinds}`);
      expect(out).toMatch(/^NAME +READY[\s\S]*\npod\/cart-1 [\s\S]*\n\nNAME +TYPE[\s\S]*\nservice\/cart /);
    }
    expect((await run('kubectl get all')).out).toContain('deployment.apps/cart ');
  });

  it('puts the namespace first with -A', async () => {
    const { out } = await run('kubectl get pods -A');
    expect(out).toMatch(/^NAMESPACE +NAME /);
    expect(out).toMatch(/\ndefault +cart-1 /);
  });

  it('prints what is there and tells what is not', async () => {
    const { out, err, code } = await run('kubectl get pod cart-1 nope');
    expect(out).toMatch(/\ncart-1 /);
    expect(err).toBe('Error from server (NotFound): pods "nope" not found\n');
    expect(code).toBe(1);
    expect(await run('kubectl get vs nope --ignore-not-found')).toMatchObject({ out: '', err: '', code: 0 });
  });

  it('says that nothing was found, with exit code 0', async () => {
    const nothing = { out: '', code: 0 };
    expect(await run('kubectl get pods -n shop')).toMatchObject({
      ...nothing,
      err: 'No resources found in shop namespace.\n',
    });
    expect(await run('kubectl get dr -A')).toMatchObject({ ...nothing, err: 'No resources found\n' });
  });

  it('takes the group that comes first in the alphabet where two groups share a kind', async () => {
    const shop = await createShop();
    const { kinds } = shop.sandbox.store;
    const first = kinds.all
      .filter(({ kind }) => kind === 'Gateway')
      .map(({ group }) => group)
      .sort()[0];
    const gateway = `apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: shop }
spec: { selector: { istio: ingressgateway }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*"] }] }`;
    await shop.run(`kubectl apply -f - <<EOF\n${gateway}\nEOF`);
    const named = await shop.run('kubectl get gateways.networking.istio.io -o name');
    expect(named.out).toBe('gateway.networking.istio.io/shop\n');
    const bare = await shop.run('kubectl get gateway -o name');
    expect(bare.out).toBe(first === 'networking.istio.io' ? named.out : '');
  });

  it('prints YAML as kubectl does: fields sorted, lists not indented', async () => {
    const { out } = await run('kubectl get virtualservices -o yaml');
    expect(out).toMatch(/^apiVersion: v1\nitems:\n- apiVersion: networking.istio.io\/v1\n {2}kind: VirtualService\n/);
    expect(out).toContain(
      '    http:\n    - route:\n      - destination:\n          host: reviews\n          subset: v1\n',
    );
    expect(out).toMatch(/kind: List\nmetadata:\n {2}resourceVersion: ""\n$/);
    expect(out).not.toContain('managedFields');
  });

  it('prints one object as itself in JSON', async () => {
    const { out } = await run('kubectl get svc cart -o json');
    expect(JSON.parse(out)).toMatchObject({ kind: 'Service', metadata: { name: 'cart' } });
    expect(out).toMatch(/^\{\n {4}"apiVersion": "v1",\n {4}"kind"/);
  });

  it('prints a row for each change with -w until Ctrl+C', async () => {
    const shop = await createShop();
    const running = shop.start('kubectl get namespaces -w');
    await turns();
    await shop.run('kubectl create ns late');
    await turns();
    running.interrupt();
    const { out, code } = await running.done;
    expect(out.split('\n').map((line) => line.split(' ')[0])).toEqual([
      'NAME',
      'default',
      'kube-system',
      'shop',
      'late',
      '',
    ]);
    expect(
      new Set(
        out
          .trim()
          .split('\n')
          .map((line) => line.search(/STATUS|Active/)),
      ),
    ).toEqual(new Set([14]));
    expect(code).toBe(130);
  });

  it('watches only what was asked for', async () => {
    const shop = await createShop();
    const running = shop.start('kubectl get pods -w -l app=ratings --no-headers');
    await turns();
    shop.sandbox.addPod({ name: 'cart-3', labels: { app: 'cart' } });
    shop.sandbox.addPod({ name: 'ratings-v2', labels: { app: 'ratings' } });
    shop.sandbox.addPod({ name: 'other', namespace: 'shop', labels: { app: 'ratings' } });
    running.interrupt();
    expect((await running.done).out.split('\n').map((line) => line.split(' ')[0])).toEqual([
      'ratings-v1-abc',
      'ratings-v2',
      '',
    ]);
  });

  it.each([
    [
      'kubectl get',
      'error: You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.',
    ],
    ['kubectl get frogs', 'error: the server doesn\'t have a resource type "frogs"'],
    ['kubectl get pods --foo', "Error: unknown flag: --foo\nSee 'kubectl get --help' for usage."],
    ['kubectl get pods -Z', "Error: unknown shorthand flag: 'Z' in -Z\nSee 'kubectl get --help' for usage."],
    ['kubectl get pods -n', "Error: flag needs an argument: 'n' in -n\nSee 'kubectl get --help' for usage."],
    ['kubectl get pods --namespace', "Error: flag needs an argument: --namespace\nSee 'kubectl get --help' for usage."],
    ['kubectl get pods x -A', 'error: a resource cannot be retrieved by name across all namespaces'],
    ['kubectl get pods -o frog', 'error: unable to match a printer suitable for the output format "frog"'],
    ['kubectl get pods -o jsonpath', 'error: template format specified but no template given'],
    ['kubectl get pods -l "a=("', 'Error from server (BadRequest): unable to parse requirement'],
    ['kubectl get pod/a b', 'error: there is no need to specify a resource type as a separate argument'],
    ['kubectl gte pods', 'Error: unknown command "gte" for "kubectl"\n\nDid you mean this?\n\tget\n'],
  ])("refuses %s in kubectl's words", async (line, text) => {
    const { out, err, code } = await run(line);
    expect(err).toContain(text);
    expect({ out, code }).toEqual({ out: '', code: 1 });
  });
});

describe('the Bookinfo guide', () => {
  it('gets a pod name by jsonpath', async () => {
    const { out } = await run("kubectl get pod -l app=ratings -o jsonpath='{.items[0].metadata.name}'");
    expect(out).toBe('ratings-v1-abc');
  });

  it('asks productpage from inside the ratings pod', async () => {
    const shop = await createShop();
    shop.sandbox.answer = () => ({
      status: 200,
      headers: {},
      body: Buffer.from('<html>\n<head><title>Simple Bookstore App</title></head>\n</html>'),
    });
    const { out, err, code } = await shop.run(
      `kubectl exec "$(kubectl get pod -l app=ratings -o jsonpath='{.items[0].metadata.name}')" -c ratings -- curl -sS productpage:9080/productpage | grep -o "<title>.*</title>"`,
    );
    expect({ out, err, code }).toEqual({ out: '<title>Simple Bookstore App</title>\n', err: '', code: 0 });
    expect(shop.sandbox.requests).toMatchObject([
      { from: 'ratings-v1-abc', url: 'http://productpage:9080/productpage' },
    ]);
  });

  it('reads the port of a Service by its name', async () => {
    const { out } = await run(
      `kubectl -n default get service cart -o jsonpath='{.spec.ports[?(@.name=="http2")].port}'`,
    );
    expect(out).toBe('8080');
  });
});
