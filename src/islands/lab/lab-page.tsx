import { useEffect, useState } from 'react';
import {
  browserTimers,
  LabClient,
  type LabText,
  readAddress,
  sameOriginTransport,
  storedDrafts,
} from '../../lab-client/index.ts';
import { LabContext } from '../parts/use-store.ts';
import { Desk } from './desk.tsx';
import { keepEvidence } from './evidence.ts';
import { HeaderStatus } from './header-status.tsx';
import { draftStorage } from './safe-storage.ts';
import { unpackText } from './shared-text.ts';

function createClient(text: LabText): LabClient {
  return new LabClient({
    text,
    view: readAddress(location.search),
    transport: sameOriginTransport(location),
    timers: browserTimers,
    chance: Math.random,
    drafts: storedDrafts(draftStorage()),
    publish: (search) => history.replaceState(history.state, '', search + location.hash),
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
    if (client.stores.opened.get() > 0) offer();
    else
      stop = client.stores.opened.listen(() => {
        stop?.();
        offer();
      });
  });
  return () => {
    gone = true;
    stop?.();
  };
}

/** The lab: do, see, why. All but its text comes over one socket; without a lab server it says so and waits. */
export default function LabPage({ text }: { text: LabText }) {
  const [client] = useState(() => createClient(text));
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
