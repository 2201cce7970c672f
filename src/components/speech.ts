/** Speech by voices that are on this machine; voices that send the text to a server are not used. */

// Spellings that voices read wrongly, as a reader would say them.
const spoken: Readonly<Record<string, string>> = {
  istiod: 'istio D',
  iptables: 'I P tables',
  mTLS: 'M T L S',
  xDS: 'X D S',
  ACK: 'ack',
  NACK: 'nack',
  STRICT: 'strict',
  PERMISSIVE: 'permissive',
  HTTPRoute: 'H T T P route',
  'proxyless gRPC': 'proxyless G R P C',
  HBONE: 'aitch bone',
  JWT: 'jot',
  RBAC: 'are back',
  SAN: 'san',
  SVID: 'ess vid',
  Jaeger: 'yayger',
  Linkerd: 'linker D',
  Resilience4j: 'resilience for J',
  ztunnel: 'Z tunnel',
  // The noun stresses the first part more often, the verb the last: both are heard.
  retry: 'a retry, to retry',
  rewrite: 'a rewrite, to rewrite',
  redirect: 'a redirect, to redirect',
};

/** What a voice is given: `VirtualService` as two words, and as people say it where the letters mislead. */
export const spokenForm = (text: string): string => spoken[text] ?? text.replace(/([a-z])([A-Z])/g, '$1 $2');

function englishVoice(): SpeechSynthesisVoice | undefined {
  if (!('speechSynthesis' in globalThis)) return undefined;
  const voices = speechSynthesis.getVoices().filter((voice) => voice.localService && voice.lang.startsWith('en'));
  return voices.find(({ lang }) => lang === 'en-US') ?? voices[0];
}

/** Calls back when there is a voice, now or later: browsers load their voices late. */
export function whenVoice(ready: () => void): void {
  if (!('speechSynthesis' in globalThis)) return;
  if (englishVoice()) {
    ready();
    return;
  }
  const loaded = () => {
    if (!englishVoice()) return;
    speechSynthesis.removeEventListener('voiceschanged', loaded);
    ready();
  };
  speechSynthesis.addEventListener('voiceschanged', loaded);
}

/** Says a term or a phrase; what is being said is cut off. */
export function say(text: string): void {
  const voice = englishVoice();
  if (!voice) return;
  const utterance = new SpeechSynthesisUtterance(spokenForm(text));
  utterance.voice = voice;
  utterance.lang = voice.lang;
  utterance.rate = 0.9;
  speechSynthesis.cancel();
  speechSynthesis.speak(utterance);
}

/** Shows the buttons with `data-say` once there is a voice. */
export function bindSayButtons(): void {
  const buttons = document.querySelectorAll<HTMLButtonElement>('button[data-say]');
  for (const button of buttons) button.addEventListener('click', () => say(button.dataset['say'] ?? ''));
  whenVoice(() => {
    for (const button of buttons) button.hidden = false;
  });
}
