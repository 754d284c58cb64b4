package llm_test

import (
	"context"
	"errors"
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

// ExampleClient_Stream prints an answer as it comes and stops it after a while.
func ExampleClient_Stream() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := 1; r.Context().Err() == nil; i++ { // a talkative model
			fmt.Fprintf(w, "data: {\"model\":\"small-chat\",\"choices\":[{\"delta\":{\"content\":\"%d \"}}]}\n\n", i)
			w.(http.Flusher).Flush()
		}
	}))
	defer server.Close()
	client, err := llm.New(llm.Config{BaseURL: server.URL, Model: "small-chat", APIKey: llm.Key("secret")})
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	pieces := 0
	answer, err := client.Stream(ctx, llm.Prompt{{Role: llm.User, Content: "Count."}}, func(piece string) error {
		fmt.Print(piece)
		if pieces++; pieces == 3 {
			stop() // as an interrupt in a notebook does
		}
		return ctx.Err()
	})
	fmt.Println(errors.Is(err, context.Canceled), answer) // what had come is kept
	fmt.Println(strings.Contains(fmt.Sprintf("%v %+v %#v", client, client, answer), "secret"))
	// Output:
	// 1 2 3 true 1 2 3
	// false
}

func ExampleVLECaption() {
	// In place of an ITM model's pipeline: the text with most of the words.
	p := &llm.VLECaption{Texts: []string{"a photo of a dog", "a red rectangle"}, ITM: likesRed{}}
	caption, err := p.Caption(context.Background(), square())
	fmt.Println(caption, err)
	// Output: a red rectangle <nil>
}

type likesRed struct{}

func (likesRed) RankTexts(_ image.Image, texts []string) (*vle.Matches, error) {
	m := &vle.Matches{}
	for i, t := range texts {
		item := vle.RankedMatch{Match: vle.Match{Text: t}, Index: i}
		if strings.Contains(t, "red") {
			m.Items = append([]vle.RankedMatch{item}, m.Items...)
		} else {
			m.Items = append(m.Items, item)
		}
	}
	return m, nil
}
