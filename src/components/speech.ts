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
  VirtualService: 'virtual service',
  DestinationRule: 'destination rule',
};

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
  const utterance = new SpeechSynthesisUtterance(spoken[text] ?? text);
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
