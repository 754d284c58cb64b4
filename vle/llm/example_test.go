package llm_test

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"govle/vle"
	"govle/vle/llm"
)

// chatServer stands in for llama-server, Ollama, vLLM or a hosted server.
func chatServer() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/v1/models" {
			io.WriteString(w, `{"object":"list","data":[{"id":"small-chat"}]}`)
			return
		}
		io.WriteString(w, `{"model":"small-chat","choices":[{"finish_reason":"stop","message":{"content":"Yes, red ones mean stop."}}]}`)
	}))
}

// square is a red rectangle on a pale ground.
func square() image.Image {
	img := image.NewRGBA(image.Rect(0, 0, 64, 64))
	for y := range 64 {
		for x := range 64 {
			img.SetRGBA(x, y, color.RGBA{240, 240, 240, 255})
			if x >= 16 && x < 46 && y >= 20 && y < 38 {
				img.SetRGBA(x, y, color.RGBA{255, 0, 0, 255})
			}
		}
	}
	return img
}

func ExamplePipeline() {
	server := chatServer()
	defer server.Close()
	client, err := llm.New(llm.Config{BaseURL: server.URL})
	if err != nil {
		log.Fatal(err)
	}
	vqa, err := vle.Embedded()
	if err != nil {
		log.Fatal(err)
	}
	p := &llm.Pipeline{VQA: vqa, Caption: llm.Caption("a sign"), Client: client}
	answer, err := p.Ask(context.Background(), square(), "Could it be a warning?")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer)
	fmt.Println(strings.SplitN(answer.Prompt[1].Content, "\n", 2)[0])
	// Output:
	// Yes, red ones mean stop.
	// Caption of the picture: a sign
}

func ExampleTemplate_Prompt() {
	t := llm.DefaultTemplate()
	t.System = "Answer in one word."
	prompt, err := t.Prompt(llm.Facts{
		Caption:  "a dog jumps into a lake",
		Question: "Will the dog get wet?",
		Candidates: []llm.Candidate{
			{Answer: "yes", Score: 0.93},
			{Answer: "no", Score: 0.05},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(prompt)
	// Output:
	// system:
	// Answer in one word.
	//
	// user:
	// Caption of the picture: a dog jumps into a lake
	// The vision model's answers:
	// - yes (93 %)
	// - no (5 %)
	// Question: Will the dog get wet?
}
