mod sealing;
