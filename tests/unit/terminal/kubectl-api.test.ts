import { beforeAll, describe, expect, it } from 'vitest';
import { createHarness, type Harness, type Ran } from './harness.ts';

const MAP = `apiVersion: v1
kind: ConfigMap
metadata: {name: settings, labels: {app: cart}}
data: {level: info, rate: "10"}
`;
const DEPLOYMENT = `apiVersion: apps/v1
kind: Deployment
metadata: {name: cart}
spec:
  replicas: 2
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec: {containers: [{name: app, image: "nginx:1.27"}]}
`;

/** What needs the API server itself; its answers are the same that an outside kubectl gets. */
describe('kubectl asks the API server', () => {
  let harness: Harness;
  const run = (...lines: string[]): Promise<Ran> => harness.run(...lines);
  beforeAll(async () => {
    harness = createHarness({ files: { 'map.yaml': MAP, 'cart.yaml': DEPLOYMENT } });
    await run('kubectl apply -f map.yaml -f cart.yaml');
    harness.sandbox.addPod({ name: 'cart-0', labels: { app: 'cart' } });
  });

  it.each([
    ['{{range .items}}{{.metadata.name}}{{"\\n"}}{{end}}', 'settings\n'],
    ['{{range $k, $v := (index .items 0).data}}{{$k}}={{$v}};{{end}}', 'level=info;rate=10;'],
    ['{{len .items}} {{with (index .items 0).data.level}}{{.}}{{else}}none{{end}}', '1 info'],
    ['{{if and (eq .kind "List") (gt (len .items) 0)}}some{{else if .x}}x{{else}}none{{end}}', 'some'],
    ['{{- /* nothing */ -}}  {{ .nope }}|{{ .nope.deeper }} {{- " x" }}', '<no value>|<no value> x'],
    ['{{$n := 0}}{{range .items}}{{$n = len .data}}{{end}}{{printf "%d-%s-%v" $n "a" .kind}}', '2-a-List'],
    ['{{(index .items 0).metadata.labels}}', 'map[app:cart]'],
    ['{{range .items}}{{range $i, $x := .data}}{{if eq $i "rate"}}{{break}}{{end}}{{$x}}{{end}}{{end}}', 'info'],
    [
      '{{range .nope}}x{{else}}empty{{end}} {{"a" | printf "%s-%s" "b"}} {{not true}} {{or "" "c"}}',
      'empty b-a false c',
    ],
  ])('fills the template %s', async (template, out) => {
    expect(await run(`kubectl get cm -o go-template='${template}'`)).toMatchObject({ out, err: '', code: 0 });
    expect(await run(`echo -n '${template}' > t.txt; kubectl get cm -o go-template-file=t.txt`)).toMatchObject({ out });
  });

  it.each([
    ['{{.a', 'unclosed action'],
    ['{{range .items}}', 'unexpected EOF'],
    ['{{end}}', 'unexpected {{end}}'],
    ['{{frog 1}}', 'function "frog" not defined'],
    ['{{index .items 5}}', 'error calling index: reflect: slice index out of range'],
    ['{{if lt 1 "a"}}{{end}}', 'error calling lt: incompatible types for comparison'],
    ['{{$x}}', 'undefined variable "$x"'],
    ['{{range .items}}{{.kind.x}}{{end}}', "can't evaluate field x in type interface {}"],
  ])('says what is wrong with the template %s', async (template, why) => {
    const { out, err, code } = await run(`kubectl get cm -o go-template='${template}'`);
    expect({ out, code }).toEqual({ out: '', code: 1 });
    expect(err).toContain(why);
  });

  it('prints in the forms that name a file, and without heads', async () => {
    await run("echo '{.items[0].data.level}' > p.txt");
    expect((await run('kubectl get cm -o jsonpath-file=p.txt')).out).toBe('info\n');
    expect((await run("kubectl get cm -o jsonpath-as-json='{.items[*].data.rate}'")).out).toBe('[\n    "10"\n]\n');
    expect((await run('kubectl get cm -o custom-columns=N:.metadata.name --no-headers')).out).toBe('settings\n');
    expect((await run('kubectl get cm --template={{.kind}}')).out).toBe('List');
    expect((await run('kubectl get -f map.yaml -o name')).out).toBe('configmap/settings\n');
  });

  it('gets raw paths, and tells a refusal', async () => {
    expect(await run('kubectl get --raw /healthz')).toMatchObject({ out: 'ok', code: 0 });
    expect((await run('kubectl get --raw /apis/networking.istio.io/v1 | jq -r .kind')).out).toBe('APIResourceList\n');
    expect((await run('kubectl get --raw /api/v1/namespaces/default/configmaps/settings | jq -r .data.rate')).out).toBe(
      '10\n',
    );
    expect(await run('kubectl get --raw /api/v1/namespaces/default/pods/nope')).toMatchObject({
      err: 'Error from server (NotFound): pods "nope" not found\n',
      code: 1,
    });
  });

  it.each(['//127.0.0.9/x', 'http://127.0.0.9/x', 'healthz', '/\\\\evil.example/'])(
    'carries its token to no other host: --raw %s',
    async (path) => {
      const { err, code } = await run(`kubectl get --raw '${path}'`);
      expect(err).toContain('is no path of the API server');
      expect(code).toBe(1);
    },
  );

  it('lists resources by group, scope, verb and category', async () => {
    expect((await run('kubectl api-resources --api-group=networking.k8s.io -o name')).out).toBe(
      'ingressclasses.networking.k8s.io\ningresses.networking.k8s.io\n',
    );
    expect((await run('kubectl api-resources --namespaced=false -o name | head -2')).out).toBe('namespaces\nnodes\n');
    const security = (await run('kubectl api-resources --api-group=security.istio.io --no-headers')).out;
    expect(security.split('\n')[0]).toMatch(
      /^authorizationpolicies +ap +security\.istio\.io\/v1 +true +AuthorizationPolicy$/,
    );
    expect((await run('kubectl api-resources --verbs=frog -o name')).out).toBe('');
    expect((await run('kubectl api-resources --categories=istio-io -o wide | head -1')).out).toMatch(
      / VERBS +CATEGORIES$/m,
    );
    expect((await run('kubectl api-resources -o frog')).err).toBe('error: --output frog is not available\n');
  });

  it('asks the roles what a user may do', async () => {
    expect(await run('kubectl auth can-i create pods')).toMatchObject({ out: 'yes\n', code: 0 });
    expect(await run('kubectl auth can-i create pods --as bob')).toMatchObject({ out: 'no\n', code: 1 });
    await run(
      `kubectl apply -f - <<EOF
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: bob-reads}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: User, name: bob, apiGroup: rbac.authorization.k8s.io}]
EOF`,
    );
    expect(await run('kubectl auth can-i get pods --as bob')).toMatchObject({ out: 'yes\n', code: 0 });
    expect(await run('kubectl auth can-i delete pods --as bob -q')).toMatchObject({ out: '', code: 1 });
    expect((await run('kubectl auth can-i --list --as bob')).out).toMatch(/^pods +\[\] +\[\] +\[get\]$/m);
    expect((await run('kubectl auth whoami --as bob')).out).toMatch(/^Username +bob$/m);
    expect((await run('kubectl auth can-i get frogs')).err).toBe(
      "Warning: the server doesn't have a resource type 'frogs'\n\n",
    );
  });

  it('tells what apply would change, and stores nothing', async () => {
    expect(await run('kubectl diff -f map.yaml')).toMatchObject({ out: '', err: '', code: 0 });
    const { out, code } = await run('sed s/info/debug/ map.yaml > new.yaml; kubectl diff -f new.yaml');
    expect(code).toBe(1);
    expect(out.split('\n').filter((line) => /^[-+]/.test(line))).toEqual([
      '--- /tmp/LIVE/v1.ConfigMap.default.settings',
      '+++ /tmp/MERGED/v1.ConfigMap.default.settings',
      '-  level: info',
      '+  level: debug',
    ]);
    expect((await run("kubectl get cm settings -o jsonpath='{.data.level}'")).out).toBe('info');
    expect((await run('sed s/settings/more/ map.yaml | kubectl diff -f -')).out).toContain('+  name: more\n');
    expect(await run('kubectl diff -f nope.yaml')).toMatchObject({
      err: 'error: the path "nope.yaml" does not exist\n',
      code: 2,
    });
  });

  it('patches with a list of operations', async () => {
    const patch = (operations: string): Promise<Ran> => run(`kubectl patch deploy cart --type=json -p '${operations}'`);
    expect(await patch('[{"op":"replace","path":"/spec/replicas","value":3}]')).toMatchObject({
      out: 'deployment.apps/cart patched\n',
      code: 0,
    });
    expect((await run("kubectl get deploy cart -o jsonpath='{.spec.replicas}'")).out).toBe('3');
    expect((await patch('[{"op":"test","path":"/spec/replicas","value":1}]')).err).toBe(
      'Error from server (Invalid): the server rejected our request due to an error in our request\n',
    );
    expect((await patch('{"spec":{}}')).err).toContain('a patch of this type is a list of operations');
    await run(`echo '{"spec":{"replicas":4}}' > p.json`);
    expect((await run('kubectl patch deploy cart --patch-file p.json')).out).toBe('deployment.apps/cart patched\n');
  });

  it('reads what of a log the server keeps', async () => {
    expect((await run('kubectl logs cart-0 --timestamps --tail=1')).out).toBe('cart-0/app: third\n');
    expect((await run('kubectl logs cart-0 --since=frog')).err).toContain('invalid argument "frog" for "--since" flag');
    expect((await run('kubectl logs cart-0 --since=1m --prefix')).out).toContain(
      '[pod/cart-0/app] cart-0/app: first\n',
    );
  });

  it('lists events, the newest last, and those about one object', async () => {
    const event = (name: string, type: string, seconds: number): string => `apiVersion: v1
kind: Event
metadata: {name: ${name}}
type: ${type}
reason: Seen
message: "${name} was seen"
involvedObject: {kind: ConfigMap, name: settings, namespace: default}
firstTimestamp: "2026-01-01T00:00:0${seconds}Z"
lastTimestamp: "2026-01-01T00:00:0${seconds}Z"
`;
    await run(`kubectl apply -f - <<EOF\n${event('late', 'Warning', 5)}---\n${event('early', 'Normal', 1)}EOF`);
    const { out } = await run('kubectl events --no-headers');
    expect(out.split('\n').map((line) => line.replace(/^\S+ +/, '').replace(/ +/g, ' '))).toEqual([
      'Normal Seen ConfigMap/settings early was seen',
      'Warning Seen ConfigMap/settings late was seen',
      '',
    ]);
    expect((await run('kubectl events --for cm/settings --types=Warning -o name')).out).toBe('event/late\n');
    expect((await run('kubectl events --for deploy/cart')).err).toBe('No events found in default namespace.\n');
  });
});
