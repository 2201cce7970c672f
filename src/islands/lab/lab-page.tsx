import { useEffect, useState } from 'react';
import { browserTimers, LabClient, readAddress, sameOriginTransport, storedDrafts } from '../../lab-client/index.ts';
import { LabContext } from '../parts/use-store.ts';
import { Desk } from './desk.tsx';
import { keepEvidence } from './evidence.ts';
import { HeaderStatus } from './header-status.tsx';
import { draftStorage } from './safe-storage.ts';
import { unpackText } from './shared-text.ts';

interface LabPageProps {
  /** Absent on the page that takes it from `?lab=`. */
  lab?: string;
}

function createClient(lab: string): LabClient {
  return new LabClient({
    lab,
    view: readAddress(location.search),
    transport: sameOriginTransport(location),
    timers: browserTimers,
    chance: Math.random,
    drafts: storedDrafts(draftStorage()),
    publish: (search) => {
      const kept = new URLSearchParams(location.search).get('lab');
      const own = kept === null ? search : `${search}&lab=${encodeURIComponent(kept)}`;
      history.replaceState(history.state, '', own + location.hash);
    },
  });
}

/** A link may carry text: it is offered when the lab is there, and taken only at a click. */
function offerText(client: LabClient): () => void {
  let gone = false;
  let stop: (() => void) | undefined;
  void unpackText(location.hash).then((files) => {
    if (gone || files === undefined) return;
    const names = files.map(({ file }) => file).join(', ');
    const use = (): void => {
      const own = new Set(client.stores.sheets.get().flatMap(({ file, readOnly }) => (readOnly ? [file] : [])));
      for (const { file, text } of files) if (!own.has(file)) client.edit(file, text);
      history.replaceState(history.state, '', location.pathname + location.search);
    };
    const offer = (): void =>
      client.toast({
        text: `This link carries text for ${names}. Nothing is applied until you press Apply.`,
        error: false,
        action: { label: 'Put it in the editor', run: use },
        topic: 'link',
      });
    if (client.stores.lab.get()) offer();
    else
      stop = client.stores.lab.listen(() => {
        stop?.();
        offer();
      });
  });
  return () => {
    gone = true;
    stop?.();
  };
}

/** The lab: do, see, why. Everything on it comes over one socket; without a lab server it says so and waits. */
export default function LabPage({ lab }: LabPageProps) {
  const [client] = useState(() => createClient(lab ?? new URLSearchParams(location.search).get('lab') ?? ''));
  useEffect(() => offerText(client), [client]);
  useEffect(() => {
    client.start();
    const leave = keepEvidence(client);
    return () => {
      leave();
      client.stop();
    };
  }, [client]);
  return (
    <LabContext value={client}>
      <HeaderStatus />
      <Desk />
    </LabContext>
  );
}
