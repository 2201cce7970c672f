import { defineCollection } from 'astro:content';
import { file, glob } from 'astro/loaders';
import { parse } from 'yaml';
import { bankSchema } from './course/drills.ts';
import {
  courseSchema,
  interviewSchema,
  labSchema,
  lessonSchema,
  quizSchema,
  studySchema,
  termSchema,
  writeSchema,
} from './course/schemas.ts';

const lessonFiles = (name: string) =>
  glob({ base: './lessons', pattern: `*/*/${name}`, generateId: ({ data }) => `day-${String(data['day'])}` });

export const collections = {
  words: defineCollection({ loader: glob({ base: './glossary', pattern: '*.md' }), schema: termSchema }),
  lessons: defineCollection({ loader: lessonFiles('lesson.mdx'), schema: lessonSchema }),
  studies: defineCollection({ loader: lessonFiles('study.mdx'), schema: studySchema }),
  quizzes: defineCollection({ loader: lessonFiles('quiz.yaml'), schema: quizSchema }),
  interviews: defineCollection({ loader: lessonFiles('interview.yaml'), schema: interviewSchema }),
  writing: defineCollection({ loader: lessonFiles('write.yaml'), schema: writeSchema }),
  bank: defineCollection({ loader: glob({ base: './lessons/bank', pattern: '*.yaml' }), schema: bankSchema }),
  course: defineCollection({
    loader: file('./lessons/course.yaml', { parser: (text) => [{ id: 'course', ...(parse(text) as object) }] }),
    schema: courseSchema,
  }),
  labs: defineCollection({
    loader: glob({ base: './labs', pattern: '*/lab.yaml', generateId: ({ entry }) => entry.split('/')[0] ?? entry }),
    schema: labSchema,
  }),
};
