import { useEffect, useRef, useState } from 'react';
import { Icon } from './icon.tsx';

type State = 'idle' | 'asking' | 'recording' | 'kept' | 'refused';

const longestMs = 10_000;

/** Records the learner's own voice, to hear it beside the model's. Nothing leaves the page; the next card forgets it. */
export function Recorder() {
  const [state, setState] = useState<State>('idle');
  const [url, setUrl] = useState<string>();
  const recorder = useRef<MediaRecorder | undefined>(undefined);
  const stop = () => stopRecording(recorder.current);
  useEffect(() => () => (url ? URL.revokeObjectURL(url) : undefined), [url]);
  useEffect(() => () => stopRecording(recorder.current), []);
  if (!('MediaRecorder' in globalThis) || !navigator.mediaDevices) return null;

  const record = async () => {
    setState('asking');
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      const parts: Blob[] = [];
      const media = new MediaRecorder(stream);
      recorder.current = media;
      media.addEventListener('dataavailable', ({ data }) => parts.push(data));
      media.addEventListener('stop', () => {
        for (const track of stream.getTracks()) track.stop();
        setUrl(URL.createObjectURL(new Blob(parts, { type: media.mimeType })));
        setState('kept');
      });
      media.start();
      setState('recording');
      setTimeout(stop, longestMs);
    } catch (error) {
      console.info('No microphone.', error);
      setState('refused');
    }
  };
  return (
    <div className="recorder">
      {state === 'recording' ? (
        <button type="button" className="btn" onClick={stop}>
          <Icon name="pause" />
          Stop recording
        </button>
      ) : (
        <button type="button" className="btn quiet" disabled={state === 'asking'} onClick={() => void record()}>
          <Icon name="say" />
          {state === 'kept' ? 'Record again' : 'Record yourself'}
        </button>
      )}
      {state === 'kept' && url && (
        // biome-ignore lint/a11y/useMediaCaption: the learner's own voice, saying the word on the card.
        <audio controls src={url} aria-label="Your recording" />
      )}
      {state === 'refused' && <span role="status">The microphone cannot be used. Say it aloud all the same.</span>}
    </div>
  );
}

function stopRecording(recorder: MediaRecorder | undefined): void {
  if (recorder?.state === 'recording') recorder.stop();
}
