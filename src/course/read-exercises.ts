import { parse } from 'yaml';
import { type Exercises, exercisesSchema } from './exercises.ts';

const files = import.meta.glob<string>('../../lessons/exercises/*.yaml', {
  query: '?raw',
  import: 'default',
  eager: true,
});

/** All exercises, at build time. Throws where a file is not as its schema wants it. */
export function readExercises(): Exercises {
  const lists = Object.entries(files).map(([file, text]) => [/(\w+)\.yaml$/.exec(file)?.[1] ?? file, parse(text)]);
  return exercisesSchema.parse(Object.fromEntries(lists));
}
