import type { CertificatesView, ProxyCertificatesView } from '#contract';
import { Choice } from '../parts/choice.tsx';
import { Empty } from '../parts/empty.tsx';
import { counted, formatTime } from '../parts/format.ts';
import { Pending } from '../parts/pending.tsx';
import { Icon } from '../parts/sign.tsx';
import { serviceTitle } from '../parts/titles.ts';
import { useLive } from '../parts/use-live.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { Chain } from './chain.tsx';
import { Handshakes } from './handshake.tsx';
import { lifeOf, shortSerial } from './life.ts';
import { LifeBar } from './life-bar.tsx';

/** Every proxy's certificate: whom it proves, who signed it, how long it lives, and those that it had before. */
export default function Certificates() {
  const lab = useLab();
  const { show } = useStore(lab.stores.view);
  const place = show === HANDSHAKE ? HANDSHAKE : 'proxies';
  return (
    <div className="certs">
      {(show === undefined || show === HANDSHAKE) && (
        <div className="toolbar">
          <Choice
            label="What to show"
            choices={PLACES}
            chosen={place}
            onChoose={(next) => (next === HANDSHAKE ? lab.show({ show: HANDSHAKE }) : lab.unshow('show'))}
          />
        </div>
      )}
      {place === HANDSHAKE ? <Handshakes /> : <Proxies shown={show} />}
    </div>
  );
}

const HANDSHAKE = 'handshake';
const PLACES = [
  ['proxies', 'Proxies'],
  [HANDSHAKE, 'Handshake of the request'],
] as const;

function Proxies({ shown }: { shown: string | undefined }) {
  const live = useLive('certificates.read', {});
  if (live.state !== 'ready') return <Pending live={live} what="The certificates" />;
  const { proxies } = live.value;
  const open = proxies.find(({ pod }) => pod === shown);
  if (proxies.length === 0) return <Empty text="No workload has a proxy, so nobody here has a certificate." />;
  return open === undefined ? <AllProxies view={live.value} /> : <OneProxy view={live.value} proxy={open} />;
}

export function workloadWords({
  service,
  version,
  role,
}: Pick<ProxyCertificatesView, 'service' | 'version' | 'role'>): string {
  return role === 'gateway' || version === '' ? serviceTitle(service) : `${service} ${version}`;
}

function AllProxies({ view }: { view: CertificatesView }) {
  const lab = useLab();
  return (
    <>
      <table className="cert-list">
        <caption className="sr">Certificates of all proxies</caption>
        <thead>
          <tr>
            <th scope="col">Workload</th>
            <th scope="col">Identity</th>
            <th scope="col">Life left</th>
            <th scope="col" className="r">
              Renewed
            </th>
          </tr>
        </thead>
        <tbody>
          {view.proxies.map((proxy) => (
            <tr key={`${proxy.namespace}/${proxy.pod}`} onClick={() => lab.show({ show: proxy.pod })}>
              <th scope="row">
                <button type="button" className="row-link" title={proxy.pod}>
                  {workloadWords(proxy)}
                </button>
              </th>
              <td>
                <span className="mono id" title={proxy.spiffeId}>
                  {shortId(proxy.spiffeId, view.trustDomain)}
                </span>
                <span className="mono dim serial">
                  {proxy.chain[0] ? shortSerial(proxy.chain[0].serial) : 'no certificate yet'}
                </span>
              </td>
              <td>{proxy.chain[0] && <LifeBar life={lifeOf(proxy.chain[0], view.nowMs)} short />}</td>
              <td className="r num">{Math.max(0, proxy.rotations.length - 1)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <section className="roots" aria-label="Trust roots">
        <h3>
          Roots that proxies trust <span className="num">{view.roots.length}</span>
        </h3>
        <p className="dim">
          Trust domain <span className="mono">{view.trustDomain}</span>. A proxy believes a certificate only if one of
          these signed it, or signed who signed it.
        </p>
        <ul>
          {view.roots.map((root) => {
            const count = view.proxies.filter(({ trusts }) => trusts.includes(root.sha256)).length;
            return (
              <li key={root.sha256}>
                <Icon name="lock" />
                <span>
                  <b>{root.subject}</b> <span className="mono dim">{shortSerial(root.serial)}</span>
                  <br />
                  trusted by {count} of {counted(view.proxies.length, 'proxy', 'proxies')}
                </span>
                <LifeBar life={lifeOf(root, view.nowMs)} />
              </li>
            );
          })}
        </ul>
      </section>
    </>
  );
}

/** `ns/default/sa/bookinfo-reviews`: the part that differs between workloads. */
const shortId = (id: string, trustDomain: string): string => id.replace(`spiffe://${trustDomain}/`, '') || 'none';

function OneProxy({ view, proxy }: { view: CertificatesView; proxy: ProxyCertificatesView }) {
  const lab = useLab();
  return (
    <>
      <div className="toolbar">
        <button type="button" className="btn quiet" onClick={() => lab.unshow('show')}>
          <Icon name="back" />
          All proxies
        </button>
        <h3>{workloadWords(proxy)}</h3>
        <span className="tag mono">{proxy.pod}</span>
      </div>
      <div className="cert-one">
        <section aria-label="Chain">
          <p className="mono identity-line">{proxy.spiffeId || 'The CA has not answered yet.'}</p>
          <Chain chain={proxy.chain} nowMs={view.nowMs} roots={proxy.trusts} />
        </section>
        <section aria-label="Rotations" className="rotations">
          <h4>In force, one after the other</h4>
          <ol>
            {proxy.rotations.map((one, index) => (
              <li key={`${one.serial} ${one.atMs}`}>
                <span className="num">{formatTime(one.atMs, false)}</span>{' '}
                <span className="mono">{shortSerial(one.serial)}</span>{' '}
                {index === 0 ? <b>in force</b> : <span className="dim">replaced</span>}
              </li>
            ))}
          </ol>
          <p className="dim">
            The agent asks for the next one when half of the life is over. Open connections keep the old one.
          </p>
          {proxy.served.map(({ name, chain }) => (
            <div key={name}>
              <h4 className="mono">{name}</h4>
              <Chain chain={chain} nowMs={view.nowMs} roots={proxy.trusts} />
            </div>
          ))}
        </section>
      </div>
    </>
  );
}
