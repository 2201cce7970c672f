import { type ReactNode, useEffect, useState } from 'react';
import type { RouteTrialView } from '#contract';
import { sayError, writable } from '../../lab-client/index.ts';
import { Empty } from '../parts/empty.tsx';
import { useLab, useStore } from '../parts/use-store.ts';
import { shortPod } from '../xds-inspector/train-graph.ts';
import { type Call, callOf, readHeaders, readShown } from './call.ts';
import { TrialResult } from './trial-result.tsx';

type Trial =
  | { state: 'none' }
  | { state: 'running' }
  | { state: 'ready'; view: RouteTrialView; changed: boolean }
  | { state: 'failed'; message: string };

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];

/** What if: one request through proxies that hold the text as it stands in the editor. Nothing is applied, nothing is sent. */
export default function WhatIf() {
  const lab = useLab();
  const [call, setCall] = useCall();
  const [trial, setTrial] = useState<Trial>({ state: 'none' });
  const sandbox = useStore(lab.stores.sandbox);
  const connection = useStore(lab.stores.connection);
  const pods = (sandbox?.pods ?? []).filter(({ proxied }) => proxied);
  const from = pods.some((pod) => `${pod.namespace}/${pod.name}` === call.from)
    ? call.from
    : pods[0] && `${pods[0].namespace}/${pods[0].name}`;
  const { headers, unread } = readHeaders(call.headers);
  const attempt = async (): Promise<void> => {
    if (from === undefined) return;
    setTrial({ state: 'running' });
    lab.show({ show: `${call.method} ${call.url}` });
    const sheets = lab.stores.sheets.get();
    try {
      const { method, url } = call;
      const view = await lab.request('route.try', { files: writable(sheets), from, method, url, headers }, 30_000);
      setTrial({ state: 'ready', view, changed: sheets.some(({ changed }) => changed) });
    } catch (error) {
      setTrial({ state: 'failed', message: sayError(error) });
    }
  };
  if (pods.length === 0) return <Empty text="No workload has a proxy, so nobody here routes a request." />;
  return (
    <div className="what-if">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void attempt();
        }}
      >
        <Field label="From">
          <select value={from} onChange={(event) => setCall({ ...call, from: event.target.value })}>
            {pods.map(({ namespace, name }) => (
              <option key={name} value={`${namespace}/${name}`}>
                {shortPod(name)}
              </option>
            ))}
          </select>
        </Field>
        <Field label="Method">
          <select value={call.method} onChange={(event) => setCall({ ...call, method: event.target.value })}>
            {METHODS.map((method) => (
              <option key={method}>{method}</option>
            ))}
          </select>
        </Field>
        <Field label="URL" wide>
          <input
            className="mono"
            value={call.url}
            required
            maxLength={2048}
            spellCheck={false}
            placeholder="http://reviews:9080/reviews/0"
            onChange={(event) => setCall({ ...call, url: event.target.value })}
          />
        </Field>
        <Field label="Headers, one a line" wide>
          <textarea
            className="mono"
            rows={2}
            value={call.headers}
            spellCheck={false}
            placeholder="end-user: jason"
            onChange={(event) => setCall({ ...call, headers: event.target.value })}
          />
        </Field>
        <p className="row">
          <button type="submit" className="btn go" disabled={connection !== 'open' || trial.state === 'running'}>
            Try
          </button>
          <span className="dim">Proxies with your text decide, in memory. Nothing is applied or sent.</span>
        </p>
        {unread.length > 0 && (
          <p className="bad" role="alert">
            No header: {unread.join(', ')}. Write name: value.
          </p>
        )}
      </form>
      <div aria-live="polite">
        {trial.state === 'running' && <p className="pad">The proxies decide.</p>}
        {trial.state === 'failed' && (
          <p className="pad bad" role="alert">
            {trial.message}
          </p>
        )}
        {trial.state === 'ready' && <TrialResult view={trial.view} changed={trial.changed} />}
      </div>
    </div>
  );
}

function Field({ label, wide = false, children }: { label: string; wide?: boolean; children: ReactNode }) {
  return (
    // The control is the child.
    // biome-ignore lint/a11y/noLabelWithoutControl: it stands inside.
    <label className={wide ? 'field-of wide' : 'field-of'}>
      <span>{label}</span>
      {children}
    </label>
  );
}

/** The form's call: from the address, else as the open request, else as the newest one. */
function useCall(): [Call, (call: Call) => void] {
  const lab = useLab();
  const explanation = useStore(lab.stores.explanation);
  const [call, setCall] = useState<Call>({ from: '', method: 'GET', url: '', headers: '' });
  const open = explanation.state === 'ready' ? explanation.view : undefined;
  const some = useStore(lab.stores.requests).length > 0;
  useEffect(() => {
    let gone = false;
    const take = (known: Call | undefined): void => {
      const wanted = readShown(lab.stores.view.get().show);
      // What somebody wrote stays.
      if (!gone) setCall((now) => (now.url === '' ? { ...now, ...known, ...wanted } : now));
    };
    const newest = lab.stores.requests.get().at(-1);
    if (open || !newest) take(open && callOf(open));
    else if (some)
      lab.request('request.explain', { request: newest.id }).then(
        (view) => take(callOf(view)),
        () => take(undefined),
      );
    return () => {
      gone = true;
    };
  }, [lab, open, some]);
  return [call, setCall];
}
