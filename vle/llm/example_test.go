package llm_test

import (
	"fmt"

	"govle/vle/llm"
)

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
