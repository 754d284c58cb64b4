// Package llm answers questions about pictures with a language model that sees
// no pictures: a caption, the question and VLE's candidate answers go into a
// prompt, and a chat server writes the answer.
//
// The server is any that speaks OpenAI's chat protocol: llama.cpp's
// llama-server, Ollama, vLLM or a hosted one. For most uses:
//
//	client, err := llm.New(llm.Config{BaseURL: "http://localhost:8080/v1"})
//	p := &llm.Pipeline{VQA: vqa, Caption: llm.Caption("a dog on a beach"), Client: client}
//	answer, err := p.Ask(ctx, img, "Why is the dog wet?")
//
// The prompt is a value that can be read and changed before it is sent:
//
//	prompt, err := p.Prompt(ctx, img, "Why is the dog wet?")
//	prompt[0].Content = "Answer in French."
//	answer, err := client.Ask(ctx, prompt)
//
// The key of a hosted server is read from OPENAI_API_KEY. No value, error or
// notebook output of this package shows it.
package llm
